"""Personal tokens: hashes, never the tokens."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.storage.database import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Token:
    """`hint` is its last four characters."""

    id: int
    account_id: int
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    used_at: int | None


async def add(
    tx: Tx, account_id: int, name: str, token_hash: bytes, hint: str, scopes: tuple[str, ...], expires_at: int | None
) -> Token:
    row = await tx.one(
        """
        INSERT INTO tokens (account_id, name, token_hash, hint, scopes, created_at, expires_at)
        VALUES (:account_id, :name, :token_hash, :hint, :scopes, :now, :expires_at)
        RETURNING *""",
        account_id=account_id,
        name=name,
        token_hash=token_hash,
        hint=hint,
        scopes=" ".join(scopes),
        expires_at=expires_at,
        now=tx.now,
    )
    assert row is not None
    return token_of(row)


async def by_hash(tx: Reader, token_hash: bytes) -> Token | None:
    """The token, if it has not run out."""
    row = await tx.one(
        "SELECT * FROM tokens WHERE token_hash = :token_hash AND (expires_at IS NULL OR expires_at > :now)",
        token_hash=token_hash,
        now=tx.now,
    )
    return token_of(row) if row else None


async def of_account(tx: Reader, account_id: int) -> list[Token]:
    """Newest first."""
    rows = await tx.all("SELECT * FROM tokens WHERE account_id = :id ORDER BY id DESC", id=account_id)
    return [token_of(row) for row in rows]


async def touch(tx: Tx, token_id: int) -> None:
    await tx.run("UPDATE tokens SET used_at = :now WHERE id = :id", id=token_id, now=tx.now)


async def remove(tx: Tx, account_id: int, token_id: int) -> bool:
    """Whether the account had this token."""
    changed = await tx.run(
        "DELETE FROM tokens WHERE id = :id AND account_id = :account_id", id=token_id, account_id=account_id
    )
    return changed == 1


def token_of(row: Row) -> Token:
    return Token(
        id=row["id"],
        account_id=row["account_id"],
        name=row["name"],
        hint=row["hint"],
        scopes=tuple(row["scopes"].split()),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
