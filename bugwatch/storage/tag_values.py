"""The dictionary of tag values: one small number for each (project, key, value)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from bugwatch.domain.batch import NewEvent
from bugwatch.storage.database import Reader, Tx

# Beyond this many values of a key in a project, and this many keys, new ones stay in the payload only.
VALUES_PER_KEY = 10_000
KEYS_PER_PROJECT = 500
# Every event points at its environment and release, so beyond the many that one project can have, they share a number.
SHARED = frozenset(("environment", "release"))
SHARED_VALUES_PER_KEY = 100_000
OTHER = "(other)"
CACHED = 200_000

Tag = tuple[int, str, str]  # project id, key, value
Pair = tuple[str, str]  # key, value
_NONE: Mapping[Pair, int] = {}
_ZEROS = repeat(0)


class TagValues:
    """Numbers that are known in this process. Only what is durable enters."""

    def __init__(self) -> None:
        self._ids: dict[int, dict[Pair, int]] = {}
        self._counts: dict[tuple[int, str], int] = {}
        self._keys: dict[int, frozenset[str]] = {}

    async def number(self, tx: Tx, events: Sequence[NewEvent]) -> list[list[int]]:
        """Of each event, a number for each of its tags; over the caps 0, or a shared one if there must be one."""
        found = [list(map(self._ids.get(event.project_id, _NONE).get, event.tags, _ZEROS)) for event in events]
        missing = {
            (event.project_id, *pair)
            for event, numbers in zip(events, found, strict=True)
            if 0 in numbers
            for pair, number in zip(event.tags, numbers, strict=True)
            if not number
        }
        if missing:
            others = await self._look_up(tx, sorted(missing))
            for event, numbers in zip(events, found, strict=True):
                tags = zip(event.tags, numbers, strict=True)
                numbers[:] = [number or others.get((event.project_id, *pair), 0) for pair, number in tags]
        return found

    async def _look_up(self, tx: Tx, missing: list[Tag]) -> dict[Tag, int]:
        keys = await self._with_keys(tx, missing)
        missing = [tag for tag in missing if tag[1] in keys[tag[0]]]
        stored = await self._stored(tx, missing)
        unknown = [tag for tag in missing if tag not in stored]
        room = await self._room(tx, {tag[:2] for tag in unknown})
        new: set[Tag] = set()
        over: list[Tag] = []
        for tag in unknown:
            place = tag[:2]
            if room[place] > 0:
                room[place] -= 1
                new.add(tag)
            elif tag[1] in SHARED:
                over.append(tag)
                new.add((*place, OTHER))
        made = await tx.rows(
            """
            INSERT INTO tag_values (project_id, key, value)
            VALUES :rows
            ON CONFLICT (project_id, key, value) DO UPDATE SET value = tag_values.value
            RETURNING id, project_id, key, value""",
            sorted(new),
        )
        stored |= {(row["project_id"], row["key"], row["value"]): row["id"] for row in made}
        stored |= {(project_id, key, value): stored[project_id, key, OTHER] for project_id, key, value in over}
        tx.on_commit(lambda: self._keep(stored, room, keys))
        return stored

    def forget(self) -> None:
        """After a project's values were removed."""
        self._ids, self._counts, self._keys = {}, {}, {}  # new ones: a batch may be using the old ones

    def _keep(
        self, ids: Mapping[Tag, int], room: Mapping[tuple[int, str], int], keys: Mapping[int, frozenset[str]]
    ) -> None:
        if sum(map(len, self._ids.values())) + len(ids) > CACHED:
            self.forget()
        for (project_id, key, value), number in ids.items():
            self._ids.setdefault(project_id, {})[key, value] = number
        self._counts.update({place: _cap(place[1]) - left for place, left in room.items()})
        self._keys.update(keys)

    async def _with_keys(self, tx: Tx, tags: list[Tag]) -> dict[int, frozenset[str]]:
        """The keys of each of these tags' projects, with as many of the tags' new ones as there is room for."""
        keys: dict[int, set[str]] = {}
        for project_id, key, _ in tags:
            if project_id not in keys:
                keys[project_id] = {*(self._keys.get(project_id) or await _keys_of(tx, project_id)), *SHARED}
            if len(keys[project_id]) < KEYS_PER_PROJECT:
                keys[project_id].add(key)
        return {project_id: frozenset(names) for project_id, names in keys.items()}

    async def _stored(self, tx: Tx, tags: list[Tag]) -> dict[Tag, int]:
        stored: dict[Tag, int] = {}
        for project_id, key in sorted({tag[:2] for tag in tags}):
            rows = await tx.among(
                "SELECT id, value FROM tag_values WHERE project_id = :project_id AND key = :key AND value IN :keys",
                [value for p, k, value in tags if (p, k) == (project_id, key)],
                project_id=project_id,
                key=key,
            )
            stored |= {(project_id, key, row["value"]): row["id"] for row in rows}
        return stored

    async def _room(self, tx: Tx, places: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
        room: dict[tuple[int, str], int] = {}
        for project_id, key in places:
            count = self._counts.get((project_id, key))
            if count is None:
                count = await tx.value(
                    "SELECT COUNT(*) FROM tag_values WHERE project_id = :project_id AND key = :key",
                    project_id=project_id,
                    key=key,
                )
            room[project_id, key] = _cap(key) - count
        return room


def _cap(key: str) -> int:
    return SHARED_VALUES_PER_KEY if key in SHARED else VALUES_PER_KEY


async def _keys_of(tx: Reader, project_id: int) -> list[str]:
    rows = await tx.all(
        """
        WITH RECURSIVE keys (key) AS (
            SELECT MIN(key) FROM tag_values WHERE project_id = :project_id
            UNION ALL
            SELECT (SELECT MIN(key) FROM tag_values WHERE project_id = :project_id AND key > keys.key)
            FROM keys
            WHERE keys.key IS NOT NULL)
        SELECT key FROM keys WHERE key IS NOT NULL""",
        project_id=project_id,
    )
    return [row["key"] for row in rows]


async def named(tx: Reader, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """`{id: (key, value)}`."""
    rows = await tx.among("SELECT id, key, value FROM tag_values WHERE id IN :keys", sorted(set(ids)))
    return {row["id"]: (row["key"], row["value"]) for row in rows}
