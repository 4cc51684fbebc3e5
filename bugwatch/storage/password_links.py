"""One-time links that set a new password."""

from __future__ import annotations

from bugwatch.storage.database import Reader, Tx


async def add(tx: Tx, account_id: int, token_hash: bytes, expires_at: int) -> None:
    """A new link; those of the account that have run out are removed."""
    await tx.run(
        "DELETE FROM password_links WHERE account_id = :account_id AND expires_at <= :now",
        account_id=account_id,
        now=tx.now,
    )
    await tx.run(
        """
        INSERT INTO password_links (token_hash, account_id, expires_at)
        VALUES (:token_hash, :account_id, :expires_at)""",
        token_hash=token_hash,
        account_id=account_id,
        expires_at=expires_at,
    )


async def account(tx: Reader, token_hash: bytes) -> int | None:
    """Whose password the link sets, if it has not run out and was not used."""
    found: int | None = await tx.value(
        "SELECT account_id FROM password_links WHERE token_hash = :token_hash AND expires_at > :now",
        token_hash=token_hash,
        now=tx.now,
    )
    return found


async def take(tx: Tx, token_hash: bytes) -> int | None:
    """Use the link up. Whose password it sets, or None if it has run out or was used."""
    found: int | None = await tx.value(
        "DELETE FROM password_links WHERE token_hash = :token_hash AND expires_at > :now RETURNING account_id",
        token_hash=token_hash,
        now=tx.now,
    )
    return found


async def remove_all(tx: Tx, account_id: int) -> None:
    await tx.run("DELETE FROM password_links WHERE account_id = :account_id", account_id=account_id)
