"""What must be true of the data at every instant, asked of the data itself: hot tables have no foreign keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.storage.database import Reader, Row


@dataclass(frozen=True, slots=True)
class Reference:
    """Each `table.column` that is not null names a `parent.key`."""

    table: str
    column: str
    parent: str
    key: str = "id"


REFERENCES = (
    Reference("payloads", "id", "events"),
    Reference("events", "id", "payloads"),
    Reference("events", "issue_id", "issues"),
    Reference("event_order", "id", "events"),
    Reference("issue_hashes", "issue_id", "issues"),
    Reference("issue_tags", "issue_id", "issues"),
    Reference("issue_tags", "value_id", "tag_values"),
    Reference("issue_users", "issue_id", "issues"),
    Reference("issue_hours", "issue_id", "issues"),
    Reference("transitions", "issue_id", "issues"),
    Reference("issues", "project_id", "projects"),
    Reference("issues", "merged_into_id", "issues"),
    Reference("grouping_rules", "project_id", "projects"),
    Reference("tag_values", "project_id", "projects"),
    Reference("users", "project_id", "projects"),
    Reference("project_hours", "project_id", "projects"),
    Reference("level_hours", "project_id", "projects"),
    Reference("ledger", "project_id", "projects"),
    Reference("spool", "project_id", "projects"),
    Reference("raw_items", "project_id", "projects"),
    Reference("dictionaries", "project_id", "projects"),
    Reference("attachments", "project_id", "projects"),
    Reference("attachments", "sha256", "content_chunks", "sha256"),
    Reference("content_chunks", "sha256", "used_contents", "sha256"),
    Reference("artifacts", "sha256", "content_chunks", "sha256"),
    Reference("artifacts", "bundle_id", "artifact_bundles"),
    Reference("bundle_projects", "project_id", "projects"),
    Reference("bundle_projects", "bundle_id", "artifact_bundles"),
    Reference("bundle_releases", "bundle_id", "artifact_bundles"),
    Reference("release_projects", "project_id", "projects"),
    Reference("release_projects", "release_id", "releases"),
    Reference("release_commits", "release_id", "releases"),
    Reference("deploys", "release_id", "releases"),
)


async def orphans(tx: Reader, reference: Reference) -> int:
    """How many rows name a parent that is not there."""
    count: int = await tx.value(
        f"""
        SELECT COUNT(*) FROM {reference.table} AS child
        WHERE child.{reference.column} IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM {reference.parent} AS parent WHERE parent.{reference.key} = child.{reference.column})"""
    )
    return count


async def unbalanced(tx: Reader) -> Sequence[Row]:
    """Where received ≠ stored + duplicate + filtered + limited + invalid + waiting: project_id, hour, category, and by
    how many. One statement, so that all sides are of the same instant."""
    return await tx.all(
        """
        SELECT project_id, hour, category, CAST(SUM(count) AS bigint) AS difference
        FROM (
            SELECT project_id, hour, category, CASE WHEN outcome = 'received' THEN count ELSE -count END AS count
            FROM ledger
            WHERE outcome IN ('received', 'stored', 'duplicate', 'filtered', 'limited', 'invalid')
            UNION ALL
            SELECT project_id, arrived_hour, category, -1 FROM spool) AS bookings
        GROUP BY project_id, hour, category
        HAVING SUM(count) <> 0
        ORDER BY project_id, hour, category"""
    )


async def uncounted(tx: Reader) -> Sequence[Row]:
    """Projects whose events are not as many as were stored and not removed since: project_id, and by how many."""
    return await tx.all(
        """
        SELECT project_id, CAST(SUM(count) AS bigint) AS difference
        FROM (
            SELECT project_id, CASE WHEN outcome = 'stored' THEN count ELSE -count END AS count
            FROM ledger
            WHERE outcome IN ('stored', 'evicted', 'deleted') AND category IN ('error', 'security')
            UNION ALL
            SELECT project_id, -COUNT(*) FROM events GROUP BY project_id) AS bookings
        GROUP BY project_id
        HAVING SUM(count) <> 0
        ORDER BY project_id"""
    )
