"""What can be asked of a copy of the database, before anybody relies on it. SQLite only: Postgres has its own tools."""

from __future__ import annotations

from bugwatch.storage.database import Reader


async def is_ours(tx: Reader) -> bool:
    """Whether a Bugwatch wrote this database."""
    return bool(await tx.value("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'migrations'"))


async def damage(tx: Reader) -> str | None:
    """What is wrong with the database, as SQLite says it; None if every page and every reference is in order."""
    found = await tx.value("PRAGMA integrity_check(1)")
    if found != "ok":
        return str(found)
    row = await tx.one("PRAGMA foreign_key_check")
    return f"a row of {row['table']} refers to a missing one of {row['parent']}" if row else None


async def counts(tx: Reader) -> dict[str, int]:
    """How many rows each table holds."""
    tables = await tx.all(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    )
    return {row["name"]: await tx.value(f'SELECT COUNT(*) FROM "{row["name"]}"') for row in tables}
