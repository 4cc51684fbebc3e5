"""Chunks that were uploaded and wait until all of their bundle are here."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.storage.database import Reader, Tx


async def put(tx: Tx, sha1: bytes, data: bytes) -> None:
    """Keep it. The same chunk again is kept for longer."""
    await tx.run(
        """
        INSERT INTO upload_chunks (sha1, data, size, uploaded_at)
        VALUES (:sha1, :data, :size, :now)
        ON CONFLICT (sha1) DO UPDATE SET uploaded_at = excluded.uploaded_at""",
        sha1=sha1,
        data=data,
        size=len(data),
        now=tx.now,
    )


async def sizes(tx: Reader, sha1s: Sequence[bytes]) -> dict[bytes, int]:
    """The size in bytes of each of these that is here."""
    rows = await tx.among("SELECT sha1, size FROM upload_chunks WHERE sha1 IN :keys", sorted(set(sha1s)))
    return {bytes(row["sha1"]): row["size"] for row in rows}


async def data(tx: Reader, sha1: bytes) -> bytes | None:
    found = await tx.value("SELECT data FROM upload_chunks WHERE sha1 = :sha1", sha1=sha1)
    return None if found is None else bytes(found)


async def waiting_bytes(tx: Reader) -> int:
    """How much all chunks take."""
    total: int | None = await tx.value("SELECT CAST(SUM(size) AS bigint) FROM upload_chunks")
    return total or 0


async def remove(tx: Tx, *, before: int, most: int) -> int:
    """Remove at most this many of those that nobody has uploaded since `before`. How many."""
    return await tx.run(
        """
        DELETE FROM upload_chunks
        WHERE sha1 IN (SELECT sha1 FROM upload_chunks WHERE uploaded_at < :before ORDER BY uploaded_at LIMIT :most)""",
        before=before,
        most=most,
    )
