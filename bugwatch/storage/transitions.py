"""State changes. Only a row here may ring somebody."""

from __future__ import annotations

from collections.abc import Iterable

from bugwatch.domain.ids import Ids
from bugwatch.storage.database import Tx
from bugwatch.storage.issue_states import IssueState
from bugwatch.storage.issues import Turn


async def add(tx: Tx, turns: Iterable[Turn], ids: Ids) -> None:
    """A row for each issue that is new or has come back."""
    await tx.put(
        """
        INSERT INTO transitions (id, project_id, issue_id, kind, event_id, at, lent_until)
        VALUES :rows""",
        [(ids.next(), turn.project_id, turn.issue_id, turn.kind, turn.event_id, tx.now, 0) for turn in turns],
    )


async def add_by_hand(tx: Tx, changed: Iterable[IssueState], kind: str, account_id: int, ids: Ids) -> None:
    """A person resolved, muted or reopened these issues."""
    await tx.rows(
        """
        INSERT INTO transitions (id, project_id, issue_id, kind, account_id, at, lent_until)
        VALUES :rows""",
        [(ids.next(), issue.project_id, issue.id, kind, account_id, tx.now, 0) for issue in changed],
    )
