"""Who keeps guessing: attempts by key, and when the next may come."""

from __future__ import annotations

from bugwatch.domain.attempts import FORGET, Patience
from bugwatch.storage.database import Tx


async def wait(tx: Tx, key: bytes, patience: Patience) -> int:
    """Count an attempt and return 0, or return for how many ms none is taken. One key after the other, also when many
    attempts arrive at once."""
    count = await tx.value(
        """
        INSERT INTO attempts (key, count, free_at, forget_at)
        VALUES (:key, 1, :now, :forget_at)
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN attempts.forget_at <= :now THEN 1 ELSE attempts.count + 1 END,
            forget_at = excluded.forget_at
        WHERE attempts.free_at <= :now
        RETURNING count""",
        key=key,
        now=tx.now,
        forget_at=tx.now + FORGET,
    )
    if count is None:
        free_at: int = await tx.value("SELECT free_at FROM attempts WHERE key = :key", key=key)
        return free_at - tx.now
    await tx.run(
        "UPDATE attempts SET free_at = :free_at WHERE key = :key", key=key, free_at=tx.now + patience.wait_after(count)
    )
    return 0


async def forgive(tx: Tx, key: bytes) -> None:
    """Forget all attempts of this key."""
    await tx.run("DELETE FROM attempts WHERE key = :key", key=key)


async def take_back(tx: Tx, key: bytes) -> None:
    """The last attempt of this key was a good one: it does not count."""
    await tx.run("UPDATE attempts SET count = count - 1, free_at = :now WHERE key = :key", key=key, now=tx.now)


async def forget(tx: Tx) -> None:
    """Remove those who have been quiet for long enough."""
    await tx.run("DELETE FROM attempts WHERE forget_at <= :now", now=tx.now)
