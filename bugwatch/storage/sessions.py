"""Sessions of browsers and of API clients."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.storage.database import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`is_api`: of an API client, with a refresh token; else of a browser, with a cookie."""

    id: int
    account_id: int
    is_api: bool
    user_agent: str
    address: str
    created_at: int
    seen_at: int


async def add(
    tx: Tx, account_id: int, token_hash: bytes, rotating_hash: bytes | None, user_agent: str, address: str
) -> int:
    """The new session's id."""
    made: int = await tx.value(
        """
        INSERT INTO sessions (account_id, token_hash, rotating_hash, user_agent, address, created_at, seen_at)
        VALUES (:account_id, :token_hash, :rotating_hash, :user_agent, :address, :now, :now)
        RETURNING id""",
        account_id=account_id,
        token_hash=token_hash,
        rotating_hash=rotating_hash,
        user_agent=user_agent,
        address=address,
        now=tx.now,
    )
    return made


async def by_token(tx: Reader, token_hash: bytes) -> SessionRow | None:
    row = await tx.one("SELECT * FROM sessions WHERE token_hash = :token_hash", token_hash=token_hash)
    return session_of(row) if row else None


async def get(tx: Reader, session_id: int) -> SessionRow | None:
    row = await tx.one("SELECT * FROM sessions WHERE id = :id", id=session_id)
    return session_of(row) if row else None


async def of_account(tx: Reader, account_id: int) -> list[SessionRow]:
    """The last used first."""
    rows = await tx.all(
        "SELECT * FROM sessions WHERE account_id = :account_id ORDER BY seen_at DESC, id DESC", account_id=account_id
    )
    return [session_of(row) for row in rows]


async def touch(tx: Tx, session_id: int, address: str) -> None:
    await tx.run(
        "UPDATE sessions SET seen_at = :now, address = :address WHERE id = :id",
        id=session_id,
        address=address,
        now=tx.now,
    )


async def rotate(tx: Tx, session_id: int, old: bytes, new: bytes) -> bool:
    """Whether `old` was the current half of the refresh token; `new` is from now on."""
    changed = await tx.run(
        "UPDATE sessions SET rotating_hash = :new, seen_at = :now WHERE id = :id AND rotating_hash = :old",
        id=session_id,
        old=old,
        new=new,
        now=tx.now,
    )
    return changed == 1


async def end(tx: Tx, account_id: int, session_id: int) -> bool:
    """Whether the account had this session."""
    changed = await tx.run(
        "DELETE FROM sessions WHERE id = :id AND account_id = :account_id", id=session_id, account_id=account_id
    )
    return changed == 1


async def end_all(tx: Tx, account_id: int, keep: int = 0) -> None:
    """End all sessions of the account except `keep`."""
    await tx.run(
        "DELETE FROM sessions WHERE account_id = :account_id AND id <> :keep", account_id=account_id, keep=keep
    )


async def forget(tx: Tx, account_id: int, idle_since: int, made_before: int) -> None:
    """Remove what has run out for this account."""
    await tx.run(
        """
        DELETE FROM sessions
        WHERE account_id = :account_id AND (seen_at < :idle_since OR created_at < :made_before)""",
        account_id=account_id,
        idle_since=idle_since,
        made_before=made_before,
    )


def session_of(row: Row) -> SessionRow:
    return SessionRow(
        id=row["id"],
        account_id=row["account_id"],
        is_api=row["rotating_hash"] is not None,
        user_agent=row["user_agent"],
        address=row["address"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
    )
