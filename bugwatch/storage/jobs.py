"""Whose turn a job is: instances that share a database agree through a row each."""

from __future__ import annotations

from bugwatch.storage.database import Tx

PREFIX = "job."


async def claim(tx: Tx, kind: str, until: int) -> bool:
    """Whether the job is ours until then (ms since 1970). Nobody else is told so before that."""
    ours = await tx.value(
        """
        INSERT INTO settings (name, value)
        VALUES (:name, :until)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        WHERE CAST(settings.value AS bigint) <= :now
        RETURNING name""",
        name=f"{PREFIX}{kind}",
        until=str(until),
        now=tx.now,
    )
    return ours is not None
