"""Issues: the hashes that lead to them, what a batch changes in them, and how they are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from bugwatch.domain.batch import NewEvent
from bugwatch.domain.clock import SECOND
from bugwatch.domain.ids import Ids
from bugwatch.storage.database import Overtaken, Tx
from bugwatch.storage.events import Placed


@dataclass(slots=True)
class Change:
    """What a batch does to one issue; its events in the order of their ids."""

    issue_id: int
    is_new: bool
    events: list[Placed] = field(default_factory=list)
    new_user_count: int = 0

    @property
    def first(self) -> Placed:
        return self.events[0]

    @property
    def latest(self) -> Placed:
        return self.events[-1]


@dataclass(frozen=True, slots=True)
class Turn:
    """An issue that has begun (`new`) or come back (`regressed`) with a batch."""

    issue_id: int
    project_id: int
    event_id: int
    kind: str


async def find_or_create(tx: Tx, fresh: Sequence[NewEvent], ids: Ids) -> tuple[dict[bytes, int], set[int]]:
    """The issue of each event's `issue_hash`, and those issues that this batch begins. `fresh` in the order of ids.

    The first known of an event's hashes wins, and the better ones before it are linked to its issue. Where none is
    known, a new issue gets the best only: else a coarser old way of grouping would go on to draw other bugs in.
    Two instances that see a new hash at once agree: the second waits for the first and is told its issue.
    """
    rows = await tx.among(
        "SELECT hash, issue_id, spent_at FROM issue_hashes WHERE hash IN :keys",
        sorted({key for event in fresh for key in (*event.issue_hashes, event.unmapped_hash) if key}),
    )
    known = {bytes(row["hash"]): row["issue_id"] for row in rows}
    unspent = {bytes(row["hash"]) for row in rows if row["spent_at"] is None}
    begun: set[int] = set()
    links: dict[bytes, tuple[int, NewEvent, str]] = {}
    for event in fresh:
        if event.issue_hash in known:
            continue
        unknown = tuple(takewhile(lambda key: key not in known, event.issue_hashes))
        if len(unknown) < len(event.issue_hashes):
            issue_id, linked_by = known[event.issue_hashes[len(unknown)]], "version"
        elif event.unmapped_hash in unspent:
            unspent.remove(event.unmapped_hash)
            issue_id, linked_by = known[event.unmapped_hash], "map"
            await _spend(tx, event, issue_id)
        else:
            issue_id, linked_by, unknown = ids.next(), "", event.issue_hashes[:1]
            begun.add(issue_id)
        for key in unknown:
            known[key] = issue_id
            links[key] = issue_id, event, linked_by
    rows = await tx.rows(
        """
        INSERT INTO issue_hashes (hash, project_id, issue_id, version, added_at, source, rule, linked_by)
        VALUES :rows
        ON CONFLICT (hash) DO UPDATE SET version = issue_hashes.version
        RETURNING hash, issue_id""",
        [
            (key, event.project_id, issue_id, event.hash_version, tx.now, event.hash_source, event.hash_rule, linked_by)
            for key, (issue_id, event, linked_by) in sorted(links.items(), key=lambda link: link[0])
        ],
    )
    agreed = {bytes(row["hash"]): row["issue_id"] for row in rows}
    return known | agreed, begun & set(agreed.values())


async def _spend(tx: Tx, event: NewEvent, issue_id: int) -> None:
    """The hash of an unmapped stack has led to its better one, and the issue is where that says it is.

    Raises Overtaken if another instance was first.
    """
    sql = "UPDATE issue_hashes SET spent_at = :now WHERE hash = :hash AND spent_at IS NULL"
    if not await tx.run(sql, now=tx.now, hash=event.unmapped_hash):
        raise Overtaken("The unmapped hash has led to another issue's better hash in the meantime.")
    await tx.run("UPDATE issues SET culprit = :culprit WHERE id = :id", culprit=event.culprit, id=issue_id)


def changes(placed: Sequence[Placed], new: set[int]) -> dict[int, Change]:
    """The batch by issue, in the order of their ids."""
    by_issue = {issue_id: Change(issue_id, issue_id in new) for issue_id in sorted({e.issue_id for e in placed})}
    for event in placed:
        by_issue[event.issue_id].events.append(event)
    return by_issue


async def touch(tx: Tx, by_issue: Mapping[int, Change]) -> list[Turn]:
    """Add a batch to its issues: counts, times, level, users. Reopens what was resolved before it was seen again."""
    numbers = await _numbers(tx, [change for change in by_issue.values() if change.is_new])
    rows = await tx.rows(
        """
        INSERT INTO issues (id, project_id, number, status, level, title, title_type, culprit, platform, is_unhandled,
                            first_seen_at, last_seen_at, first_event_id, last_event_id,
                            event_count, stored_count, user_count, first_release_id, last_release_id, status_changed_at)
        VALUES :rows
        ON CONFLICT (id) DO UPDATE SET
            level = CASE WHEN excluded.last_event_id > issues.last_event_id
                    THEN excluded.level ELSE issues.level END,
            is_unhandled = CASE WHEN excluded.last_event_id > issues.last_event_id
                    THEN excluded.is_unhandled ELSE issues.is_unhandled END,
            last_release_id = CASE WHEN excluded.last_event_id > issues.last_event_id
                    THEN COALESCE(excluded.last_release_id, issues.last_release_id) ELSE issues.last_release_id END,
            last_event_id = CASE WHEN excluded.last_event_id > issues.last_event_id
                    THEN excluded.last_event_id ELSE issues.last_event_id END,
            first_seen_at = CASE WHEN excluded.first_seen_at < issues.first_seen_at
                    THEN excluded.first_seen_at ELSE issues.first_seen_at END,
            last_seen_at = CASE WHEN excluded.last_seen_at > issues.last_seen_at
                    THEN excluded.last_seen_at ELSE issues.last_seen_at END,
            event_count = issues.event_count + excluded.event_count,
            stored_count = issues.stored_count + excluded.stored_count,
            user_count = issues.user_count + excluded.user_count
        RETURNING id, status, number, deleted_at, merged_into_id""",
        [_row(change, numbers.get(issue_id), tx.now) for issue_id, change in by_issue.items()],
    )
    turns = []
    for row in rows:
        if row["deleted_at"] is not None or row["number"] is None:
            raise Overtaken("The issue was deleted while an event of it was being stored.")
        change = by_issue[row["id"]]
        kind = "new" if change.is_new else None
        # Of an issue that was merged, the root has the state: it comes back once, whoever of its members was seen.
        root_id = row["merged_into_id"] or row["id"]
        if (root_id != row["id"] or row["status"] == "resolved") and await _reopen(tx, root_id, change):
            kind = "regressed"
        if kind:
            turns.append(Turn(root_id, change.first.project_id, change.latest.id, kind))
    return turns


async def _numbers(tx: Tx, new: list[Change]) -> dict[int, int]:
    """The n of SLUG-n for each new issue, in the order of their first events."""
    by_project: dict[int, list[Change]] = {}
    for change in sorted(new, key=lambda change: change.first.id):
        by_project.setdefault(change.first.project_id, []).append(change)
    numbers: dict[int, int] = {}
    for project_id, begun in sorted(by_project.items()):
        last = await tx.value(
            """
            UPDATE projects
            SET issue_counter = issue_counter + :count, first_event_at = COALESCE(first_event_at, :now)
            WHERE id = :project_id
            RETURNING issue_counter""",
            count=len(begun),
            now=tx.now,
            project_id=project_id,
        )
        for number, change in enumerate(begun, (last or len(begun)) - len(begun) + 1):
            numbers[change.issue_id] = number
    return numbers


def _row(change: Change, number: int | None, now: int) -> tuple[int | str | None, ...]:
    first, latest = change.first, change.latest
    happened = [placed.event.happened_at for placed in change.events]
    count = len(happened)
    return (
        change.issue_id,
        first.project_id,
        number,
        "unresolved",
        latest.level,
        first.event.title,
        first.event.title_type,
        first.event.culprit,
        first.event.platform,
        int(latest.event.is_unhandled),
        min(happened),
        max(happened),
        first.id,
        latest.id,
        count,
        count,
        change.new_user_count,
        first.release_id,
        latest.release_id,
        now,
    )


async def _reopen(tx: Tx, issue_id: int, change: Change) -> bool:
    """Whether the issue was resolved before one of these events happened, and is open again now.

    SDKs that send whole seconds cut up to 999 ms off: such an event may have happened until the second's end.
    """
    happened = (placed.event.happened_at for placed in change.events)
    seen_until = max(at + (SECOND - 1 if at % SECOND == 0 else 0) for at in happened)
    return bool(
        await tx.run(
            """
            UPDATE issues
            SET status = 'unresolved',
                is_regressed = 1,
                status_changed_at = :now,
                resolved_at = NULL,
                resolved_in_id = NULL
            WHERE id = :id AND status = 'resolved' AND resolved_at < :seen_until""",
            id=issue_id,
            now=tx.now,
            seen_until=seen_until,
        )
    )
