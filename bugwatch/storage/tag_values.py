"""The dictionary of tag values: one small number for each (project, key, value)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bugwatch.storage.database import Reader, Tx

# Beyond this many values of a key in a project, new ones stay in the payload only. Environments and releases are
# always kept: every event points at its own.
VALUES_PER_KEY = 10_000
UNCAPPED = frozenset(("environment", "release"))
CACHED = 200_000

Tag = tuple[int, str, str]  # project id, key, value


class TagValues:
    """Numbers that are known in this process. Only what is durable enters."""

    def __init__(self) -> None:
        self._ids: dict[Tag, int] = {}
        self._counts: dict[tuple[int, str], int] = {}

    async def number(self, tx: Tx, tags: Iterable[Tag]) -> Mapping[Tag, int]:
        """A number for each tag; tags over the cap get none."""
        found = {tag: self._ids[tag] for tag in tags if tag in self._ids}
        missing = sorted(set(tags) - found.keys())
        if not missing:
            return found
        stored = await self._stored(tx, missing)
        room = await self._room(tx, {(project_id, key) for project_id, key, _ in missing if key not in UNCAPPED})
        new: list[Tag] = []
        for tag in missing:
            place = tag[:2]
            if tag in stored:
                continue
            if tag[1] in UNCAPPED:
                new.append(tag)
            elif room[place] > 0:
                room[place] -= 1
                new.append(tag)
        made = await tx.rows(
            """
            INSERT INTO tag_values (project_id, key, value)
            VALUES :rows
            ON CONFLICT (project_id, key, value) DO UPDATE SET value = tag_values.value
            RETURNING id, project_id, key, value""",
            new,
        )
        stored |= {(row["project_id"], row["key"], row["value"]): row["id"] for row in made}
        tx.on_commit(lambda: self._keep(stored, room))
        return {**found, **stored}

    def forget(self) -> None:
        """After a project's values were removed."""
        self._ids.clear()
        self._counts.clear()

    def _keep(self, ids: Mapping[Tag, int], room: Mapping[tuple[int, str], int]) -> None:
        if len(self._ids) + len(ids) > CACHED:
            self.forget()
        self._ids.update(ids)
        self._counts.update({place: VALUES_PER_KEY - left for place, left in room.items()})

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
            room[project_id, key] = VALUES_PER_KEY - count
        return room


async def named(tx: Reader, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """`{id: (key, value)}`."""
    rows = await tx.among("SELECT id, key, value FROM tag_values WHERE id IN :keys", sorted(set(ids)))
    return {row["id"]: (row["key"], row["value"]) for row in rows}
