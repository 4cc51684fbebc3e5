"""Events, their payloads, and their order within an issue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bugwatch.domain.batch import NewEvent
from bugwatch.domain.clock import hour_of
from bugwatch.domain.ids import time_of
from bugwatch.storage import merges
from bugwatch.storage.database import Reader, Row, Tx

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of `events` with its payload, still compressed."""

    id: int
    project_id: int
    issue_id: int
    event_id: str
    happened_at: int
    level: int
    dictionary_id: int
    data: bytes

    @property
    def received_at(self) -> int:
        return time_of(self.id)


@dataclass(slots=True)
class Placed:
    """A new event with the numbers of what it belongs to. `tag_ids` are those of its tags that have one."""

    event: NewEvent
    id: int
    project_id: int
    issue_id: int
    environment_id: int
    release_id: int | None
    tag_ids: list[int]
    level: int
    hour: int


def place(fresh: Iterable[NewEvent], found: Mapping[bytes, int], numbers: Iterable[Sequence[int]]) -> list[Placed]:
    """`found` is the issue of each hash; `numbers` are those of each event's tags, 0 where there is none."""
    return [
        Placed(
            event=event,
            id=event.id,
            project_id=event.project_id,
            issue_id=found[event.issue_hash],
            environment_id=of_tags[event.tags.index(("environment", event.environment))],
            release_id=of_tags[event.tags.index(("release", event.release))] if event.release else None,
            tag_ids=[number for number in of_tags if number],
            level=event.level_number,
            hour=hour_of(event.happened_at),
        )
        for event, of_tags in zip(fresh, numbers, strict=True)
    ]


async def insert(tx: Tx, placed: Sequence[Placed], generation: int) -> None:
    """Store events under their issues."""
    await tx.put(
        """
        INSERT INTO events (id, project_id, issue_id, event_id, happened_at,
                            environment_id, release_id, level, user_id, tag_ids)
        VALUES :rows""",
        [
            (
                e.id,
                e.project_id,
                e.issue_id,
                e.event.event_id,
                e.event.happened_at,
                e.environment_id,
                e.release_id,
                e.level,
                e.event.user_id,
                _encode(e.tag_ids),
            )
            for e in placed
        ],
    )
    await tx.put(
        "INSERT INTO payloads (id, dictionary_id, data) VALUES :rows",
        [(e.id, e.event.dictionary_id, e.event.data) for e in placed],
    )
    await tx.put(
        "INSERT INTO event_order (generation, issue_id, id) VALUES :rows",
        sorted((generation, e.issue_id, e.id) for e in placed),
    )


_COLUMNS = """
    events.id, events.project_id, events.issue_id, events.event_id, events.happened_at, events.level,
    payloads.dictionary_id, payloads.data"""


async def newest_id(tx: Reader) -> int:
    """The largest id that an item, stored or spooled, or a transition has; 0 if there is none."""
    newest: int = await tx.value(
        """
        SELECT COALESCE(MAX(id), 0) FROM (
            SELECT MAX(id) AS id FROM events
            UNION ALL SELECT MAX(id) FROM attachments
            UNION ALL SELECT MAX(id) FROM raw_items
            UNION ALL SELECT MAX(id) FROM spool
            UNION ALL SELECT MAX(id) FROM transitions) AS newest"""
    )
    return newest


async def get(tx: Reader, row_id: int) -> StoredEvent | None:
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM events JOIN payloads ON payloads.id = events.id WHERE events.id = :id", id=row_id
    )
    return _event_of(row) if row else None


async def among(tx: Reader, row_ids: Sequence[int]) -> list[StoredEvent]:
    """Those of `row_ids` that are still here, newest first."""
    rows = await tx.among(
        f"SELECT {_COLUMNS} FROM events JOIN payloads ON payloads.id = events.id WHERE events.id IN :keys", row_ids
    )
    return sorted((_event_of(row) for row in rows), key=lambda event: -event.id)


# Ids grow with the generations, so each is asked for its end only: a seek, whatever the issue's size.
_GENERATIONS = """
    WITH RECURSIVE generations (n) AS (
        SELECT COALESCE(MAX(generation), 0) FROM event_order
        UNION ALL
        SELECT n - 1 FROM generations WHERE n > 0)"""


async def of_issue(tx: Reader, issue_id: int, limit: int, before: int = 2**62) -> list[StoredEvent]:
    """The events of an issue and its members, newest first; those before the row id `before`, to page on."""
    family = await merges.families(tx, [issue_id])
    found = [row_id for member_id in family for row_id in await _newest(tx, member_id, limit, before)]
    return await among(tx, sorted(found, reverse=True)[:limit])


async def _newest(tx: Reader, issue_id: int, limit: int, before: int) -> list[int]:
    generations = await tx.all(
        f"""
        {_GENERATIONS}
        SELECT n FROM generations
        WHERE EXISTS (SELECT 1 FROM event_order WHERE generation = n AND issue_id = :issue_id AND id < :before)
        ORDER BY n DESC""",
        issue_id=issue_id,
        before=before,
    )
    found: list[int] = []
    start, size = 0, 1  # one generation has enough of a loud issue; of a quiet one many have few
    while start < len(generations) and len(found) < limit:
        rows = await tx.among(
            """
            SELECT id FROM event_order
            WHERE generation IN :keys AND issue_id = :issue_id AND id < :before
            ORDER BY id DESC
            LIMIT :limit""",
            [row["n"] for row in generations[start : start + size]],
            issue_id=issue_id,
            before=before,
            limit=limit - len(found),
        )
        found += [row["id"] for row in rows]
        start, size = start + size, size * 8
    return found


async def neighbours(tx: Reader, issue_id: int, row_id: int) -> tuple[int | None, int | None]:
    """The row ids of the next older and the next newer event of the issue and its members."""
    family = await merges.families(tx, [issue_id])
    beside = [await _beside(tx, member_id, row_id) for member_id in family]
    older, newer = [older for older, _ in beside if older], [newer for _, newer in beside if newer]
    return max(older, default=None), min(newer, default=None)


async def _beside(tx: Reader, issue_id: int, row_id: int) -> tuple[int | None, int | None]:
    row = await tx.one(
        f"""
        {_GENERATIONS}
        SELECT
            MAX((SELECT MAX(id) FROM event_order WHERE generation = n AND issue_id = :issue_id AND id < :id)) AS older,
            MIN((SELECT MIN(id) FROM event_order WHERE generation = n AND issue_id = :issue_id AND id > :id)) AS newer
        FROM generations""",
        issue_id=issue_id,
        id=row_id,
    )
    return (row["older"], row["newer"]) if row else (None, None)


def _event_of(row: Row) -> StoredEvent:
    return StoredEvent(
        id=row["id"],
        project_id=row["project_id"],
        issue_id=row["issue_id"],
        event_id=bytes(row["event_id"]).hex(),
        happened_at=row["happened_at"],
        level=row["level"],
        dictionary_id=row["dictionary_id"],
        data=bytes(row["data"]),
    )
