"""The status of issues, and their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.issue import Status
from bugwatch.storage import merges
from bugwatch.storage.database import Reader, Tx


@dataclass(frozen=True, slots=True)
class IssueState:
    id: int
    project_id: int
    status: Status


@dataclass(frozen=True, slots=True)
class Activity:
    """One change of state. `who` is the name or email of the person who did it; empty: it happened by itself. Where an
    issue was merged or taken out, `number` is the other issue's, and `is_root` says whether this one was the root."""

    kind: str
    at: int
    who: str
    number: int | None = None
    is_root: bool = False


async def among(tx: Reader, issue_ids: Sequence[int]) -> list[IssueState]:
    """Those that exist and were not deleted, by id; in the place of what was merged, its root."""
    root_ids = set((await merges.roots(tx, issue_ids)).values())
    rows = await tx.among(
        """
        SELECT id, project_id, status FROM issues
        WHERE id IN :keys AND deleted_at IS NULL AND merged_into_id IS NULL""",
        sorted(root_ids),
    )
    found = [IssueState(row["id"], row["project_id"], Status(row["status"])) for row in rows]
    return sorted(found, key=lambda issue: issue.id)


async def set_status(tx: Tx, issue_ids: Sequence[int], status: Status) -> set[int]:
    """Those that had another status until now."""
    rows = await tx.among(
        """
        UPDATE issues
        SET status = :status,
            is_regressed = 0,
            status_changed_at = :now,
            resolved_at = CASE WHEN :status = 'resolved' THEN CAST(:now AS bigint) END,
            resolved_in_id = NULL
        WHERE id IN :keys AND status <> :status
        RETURNING id""",
        sorted(issue_ids),
        status=status,
        now=tx.now,
    )
    return {row["id"] for row in rows}


async def delete(tx: Tx, issue_id: int) -> None:
    """Mark it with its members, and let go of their hashes, so that the next event begins a new issue."""
    await tx.run("UPDATE issues SET deleted_at = :now WHERE id = :id", id=issue_id, now=tx.now)
    # After the root: whoever merges something into it at this moment has done so, or waits and finds it deleted.
    await tx.run("UPDATE issues SET deleted_at = :now WHERE merged_into_id = :id", id=issue_id, now=tx.now)
    await tx.run(f"DELETE FROM issue_hashes WHERE issue_id IN {merges.FAMILY}", issue_id=issue_id)


async def activity(tx: Reader, issue_id: int, limit: int) -> list[Activity]:
    """The newest first."""
    rows = await tx.all(
        """
        SELECT
            transitions.kind,
            transitions.at,
            transitions.other_issue_id,
            COALESCE(NULLIF(accounts.name, ''), accounts.email, '') AS who,
            others.number
        FROM transitions
        LEFT JOIN accounts ON accounts.id = transitions.account_id
        LEFT JOIN issues AS others ON others.id =
            CASE WHEN transitions.issue_id = :issue_id THEN transitions.other_issue_id ELSE transitions.issue_id END
        WHERE transitions.issue_id = :issue_id OR transitions.other_issue_id = :issue_id
        ORDER BY transitions.id DESC
        LIMIT :limit""",
        issue_id=issue_id,
        limit=limit,
    )
    return [
        Activity(row["kind"], row["at"], row["who"], row["number"], row["other_issue_id"] == issue_id) for row in rows
    ]
