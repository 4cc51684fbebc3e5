"""State changes. Only a row here may ring somebody."""

from __future__ import annotations

from collections.abc import Iterable

from bugwatch.domain.ids import Ids
from bugwatch.storage.database import Tx
from bugwatch.storage.issues import Touched


async def add(tx: Tx, touched: Iterable[Touched], ids: Ids) -> None:
    """A row for each issue that is new or has come back."""
    await tx.rows(
        """
        INSERT INTO transitions (id, project_id, issue_id, kind, event_id, at, lent_until)
        VALUES :rows""",
        [
            (ids.next(), change.project_id, change.issue_id, change.kind, change.event_id, tx.now, 0)
            for change in touched
            if change.kind
        ],
    )


async def add_by_hand(tx: Tx, row_id: int, project_id: int, issue_id: int, kind: str, account_id: int | None) -> None:
    """A person resolved, muted or reopened an issue."""
    await tx.run(
        """
        INSERT INTO transitions (id, project_id, issue_id, kind, account_id, at, lent_until)
        VALUES (:id, :project_id, :issue_id, :kind, :account_id, :now, 0)""",
        id=row_id,
        project_id=project_id,
        issue_id=issue_id,
        kind=kind,
        account_id=account_id,
        now=tx.now,
    )
