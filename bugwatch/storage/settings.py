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
    rows = await tx.all(f"SELECT value FROM settings WHERE {_BEGINS}", prefix=prefix, length=len(prefix))
    return [row["value"] for row in rows]


async def take(tx: Tx, prefix: str, value: str) -> bool:
    """Remove the name that begins with `prefix` and has this value. Whether it was there; one caller is told so."""
    removed = await tx.run(
        f"DELETE FROM settings WHERE {_BEGINS} AND value = :value", prefix=prefix, length=len(prefix), value=value
    )
    return removed > 0


async def remove(tx: Tx, prefix: str) -> None:
    """Forget all names that begin with `prefix`."""
    await tx.run(f"DELETE FROM settings WHERE {_BEGINS}", prefix=prefix, length=len(prefix))


# Not a range: how text is ordered is each database's own affair.
_BEGINS = "substr(name, 1, CAST(:length AS integer)) = :prefix"


async def get_or_put(tx: Tx, name: str, value: str) -> str:
    """What stands there; `value` if nothing did. Instances that ask at once are told the same."""
    agreed: str = await tx.value(
        """
        INSERT INTO settings (name, value)
        VALUES (:name, :value)
        ON CONFLICT (name) DO UPDATE SET value = settings.value
        RETURNING value""",
        name=name,
        value=value,
    )
    return agreed
