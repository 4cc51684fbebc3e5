"""Removing issues and projects that were marked as deleted, in small slices. After each, the data is whole and counted.

Event keys stay: a deleted event that is sent again is still a repeat. They go by whole generations (retention).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.clock import MINUTE, hour_of
from bugwatch.domain.ids import time_of
from bugwatch.domain.outcome import Booking, Category, Outcome
from bugwatch.storage import contents, event_keys, ledger
from bugwatch.storage.database import Reader, Row, Tx

REASON = "deleted"
# Other instances go on taking a deleted project's events for a few seconds, until they read its keys anew.
GRACE = MINUTE

# What belongs to an issue besides its events, with the columns that name a row. The hashes go first: from then on the
# same error begins a new issue.
_OF_ISSUE = (
    ("issue_tags", "issue_id, value_id"),
    ("issue_users", "issue_id, user_id"),
    ("issue_hours", "hour, issue_id, environment_id, release_id"),
    ("transitions", "id"),
)
# What belongs to a project once its issues and attachments are gone. Its own row is the last.
_OF_PROJECT = (
    ("raw_items", "id"),
    ("transitions", "id"),
    ("users", "project_id, user_id"),
    ("project_hours", "project_id, hour, environment_id, release_id, level"),
    ("level_hours", "project_id, hour, level"),
    ("tag_values", "id"),
    ("dictionaries", "id"),
    ("project_members", "project_id, account_id"),
    ("source_links", "project_id"),
    ("grouping_rules", "project_id, version"),
    ("bundle_releases", "project_id, release, dist, bundle_id"),
    ("bundle_projects", "project_id, bundle_id"),
    ("artifact_revisions", "project_id"),
    ("release_projects", "project_id, release_id"),
    ("api_keys", "id"),
    ("project_keys", "id"),
    ("ledger", "project_id, hour, category, outcome, reason, shard"),
)


@dataclass(frozen=True, slots=True)
class Doomed:
    """An issue to remove. `is_with_project`: everything around it goes as well, so nothing needs to be un-counted."""

    issue_id: int
    project_id: int
    is_with_project: bool


async def next_project(tx: Reader) -> int | None:
    """A project that is marked as deleted and holds no issue, or None."""
    found: int | None = await tx.value(
        """
        SELECT id FROM projects
        WHERE deleted_at < :before AND NOT EXISTS (SELECT 1 FROM issues WHERE issues.project_id = projects.id)
        LIMIT 1""",
        before=tx.now - GRACE,
    )
    return found


async def next_issue(tx: Reader) -> Doomed | None:
    """An issue that is marked as deleted, or whose project is; or None."""
    row = await tx.one(
        """
        SELECT issues.id, issues.project_id, projects.deleted_at
        FROM issues
        JOIN projects ON projects.id = issues.project_id
        WHERE issues.deleted_at IS NOT NULL OR projects.deleted_at < :before
        LIMIT 1""",
        before=tx.now - GRACE,
    )
    return Doomed(row["id"], row["project_id"], row["deleted_at"] is not None) if row else None


async def issue_slice(tx: Tx, doomed: Doomed, size: int, secret: bytes, shard: int) -> bool:
    """Remove up to `size` rows of the issue, its own row last. Whether something of it is still here."""
    await tx.run("DELETE FROM issue_hashes WHERE issue_id = :issue_id", issue_id=doomed.issue_id)
    if await _remove_events(tx, doomed, size, secret, shard):
        return True
    for table, key in _OF_ISSUE:
        if await _remove_rows(tx, table, key, "issue_id", doomed.issue_id, size):
            return True
    # Its members are on their way out as well.
    await tx.run("UPDATE issues SET merged_into_id = NULL WHERE merged_into_id = :id", id=doomed.issue_id)
    await tx.run("DELETE FROM issues WHERE id = :issue_id", issue_id=doomed.issue_id)
    return False


async def project_slice(tx: Tx, project_id: int, size: int, shard: int) -> bool:
    """Remove up to `size` rows of a project without issues, its own row last. Whether something is still here."""
    if await _refuse_waiting(tx, project_id, size, shard) or await _remove_attachments(tx, project_id, size):
        return True
    for table, key in _OF_PROJECT:
        if await _remove_rows(tx, table, key, "project_id", project_id, size):
            return True
    await tx.run(
        """
        DELETE FROM projects
        WHERE id = :project_id AND NOT EXISTS (SELECT 1 FROM issues WHERE issues.project_id = :project_id)""",
        project_id=project_id,
    )
    return False


async def _remove_rows(tx: Tx, table: str, key: str, owner: str, owner_id: int, size: int) -> int:
    return await tx.run(
        f"""
        DELETE FROM {table}
        WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {owner} = :owner_id LIMIT :size)""",
        owner_id=owner_id,
        size=size,
    )


async def _remove_events(tx: Tx, doomed: Doomed, size: int, secret: bytes, shard: int) -> int:
    rows = await tx.all(
        """
        WITH RECURSIVE generations (n) AS (
            SELECT MIN(generation) FROM event_order
            UNION ALL
            SELECT (SELECT MIN(generation) FROM event_order WHERE generation > n) FROM generations WHERE n IS NOT NULL)
        SELECT event_order.generation, events.*
        FROM generations
        JOIN event_order ON event_order.generation = generations.n AND event_order.issue_id = :issue_id
        JOIN events ON events.id = event_order.id
        LIMIT :size""",
        issue_id=doomed.issue_id,
        size=size,
    )
    if not rows:
        return 0
    ids = [row["id"] for row in rows]
    await tx.among("DELETE FROM payloads WHERE id IN :keys RETURNING id", ids)
    await tx.among("DELETE FROM events WHERE id IN :keys RETURNING id", ids)
    for generation in {row["generation"] for row in rows}:
        await tx.among(
            """
            DELETE FROM event_order
            WHERE generation = :generation AND issue_id = :issue_id AND id IN :keys
            RETURNING id""",
            [row["id"] for row in rows if row["generation"] == generation],
            generation=generation,
            issue_id=doomed.issue_id,
        )
    await tx.run(
        "UPDATE issues SET stored_count = stored_count - :count WHERE id = :issue_id",
        count=len(ids),
        issue_id=doomed.issue_id,
    )
    removed = Counter(
        Booking(doomed.project_id, hour_of(time_of(row["id"])), Category.ERROR, Outcome.DELETED, REASON) for row in rows
    )
    keys = [event_keys.key_of(secret, doomed.project_id, bytes(row["event_id"])) for row in rows]
    for file in await _remove_files(tx, doomed.project_id, keys):
        hour = hour_of(time_of(file["id"]))
        removed[Booking(doomed.project_id, hour, Category.ATTACHMENT, Outcome.DELETED, REASON)] += 1
    await ledger.book(tx, removed, shard)
    if not doomed.is_with_project:
        await _uncount_hours(tx, rows)
    return len(ids)


async def _uncount_hours(tx: Tx, rows: Sequence[Row]) -> None:
    counts = Counter(
        (row["project_id"], hour_of(row["happened_at"]), row["environment_id"], row["release_id"] or 0, row["level"])
        for row in rows
    )
    for (project_id, hour, environment_id, release_id, level), count in sorted(counts.items()):
        await tx.run(
            """
            UPDATE project_hours SET count = count - :count
            WHERE project_id = :project_id AND hour = :hour AND environment_id = :environment_id
                AND release_id = :release_id AND level = :level""",
            project_id=project_id,
            hour=hour,
            environment_id=environment_id,
            release_id=release_id,
            level=level,
            count=count,
        )
        await tx.run(
            """
            UPDATE level_hours SET count = count - :count
            WHERE project_id = :project_id AND hour = :hour AND level = :level""",
            project_id=project_id,
            hour=hour,
            level=level,
            count=count,
        )


async def _refuse_waiting(tx: Tx, project_id: int, size: int, shard: int) -> int:
    """What still waits in the spool of a deleted project will never be read."""
    rows = await tx.all(
        """
        DELETE FROM spool
        WHERE id IN (SELECT id FROM spool WHERE project_id = :project_id LIMIT :size)
        RETURNING category, arrived_hour""",
        project_id=project_id,
        size=size,
    )
    refused = Counter(
        Booking(project_id, row["arrived_hour"], Category(row["category"]), Outcome.INVALID, "deleted_project")
        for row in rows
    )
    await ledger.book(tx, refused, shard)
    return len(rows)


async def _remove_attachments(tx: Tx, project_id: int, size: int) -> int:
    keys = await tx.all(
        "SELECT DISTINCT event_key FROM attachments WHERE project_id = :project_id ORDER BY event_key LIMIT :size",
        project_id=project_id,
        size=size,
    )
    return len(await _remove_files(tx, project_id, [row["event_key"] for row in keys]))


async def _remove_files(tx: Tx, project_id: int, event_keys: Sequence[int]) -> list[Row]:
    """Remove what was attached to these events, with content that nothing else uses; the id of each."""
    removed = await tx.among(
        "DELETE FROM attachments WHERE project_id = :project_id AND event_key IN :keys RETURNING id, sha256",
        event_keys,
        project_id=project_id,
    )
    await contents.remove_unused(tx, [*{bytes(row["sha256"]) for row in removed}])
    return removed
