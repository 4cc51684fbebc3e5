"""What has run out and is good for nothing any more."""

from __future__ import annotations

from bugwatch.storage.database import Tx


async def remove(tx: Tx, *, idle_since: int, made_before: int) -> int:
    """Remove sessions that nobody has used since `idle_since` or that were begun before `made_before`; links,
    invitations and counted attempts whose time is over. How many rows."""
    removed = await tx.run(
        "DELETE FROM sessions WHERE seen_at < :idle_since OR created_at < :made_before",
        idle_since=idle_since,
        made_before=made_before,
    )
    removed += await tx.run("DELETE FROM password_links WHERE expires_at <= :now", now=tx.now)
    removed += await tx.run("DELETE FROM invitations WHERE expires_at <= :now", now=tx.now)
    removed += await tx.run("DELETE FROM attempts WHERE forget_at <= :now", now=tx.now)
    return removed
