"""What was set while running, by name. Names of several owners begin with theirs."""

from __future__ import annotations

from bugwatch.storage.database import Reader, Tx


async def get(tx: Reader, name: str) -> str | None:
    found: str | None = await tx.value("SELECT value FROM settings WHERE name = :name", name=name)
    return found


async def put(tx: Tx, name: str, value: str) -> None:
    await tx.run(
        """
        INSERT INTO settings (name, value)
        VALUES (:name, :value)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value""",
        name=name,
        value=value,
    )


async def values(tx: Reader, prefix: str) -> list[str]:
    """The values of all names that begin with `prefix`."""
    rows = await tx.all(
        "SELECT value FROM settings WHERE name >= :prefix AND name < :end", prefix=prefix, end=prefix + "~"
    )
    return [row["value"] for row in rows]


async def remove(tx: Tx, prefix: str) -> None:
    """Forget all names that begin with `prefix`."""
    await tx.run("DELETE FROM settings WHERE name >= :prefix AND name < :end", prefix=prefix, end=prefix + "~")
