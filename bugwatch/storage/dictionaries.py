"""Compression dictionaries, one or more per project: payloads name the one they were made with."""

from __future__ import annotations

from bugwatch.storage.database import Reader, Tx


async def add(tx: Tx, project_id: int, data: bytes) -> int:
    made: int = await tx.value(
        """
        INSERT INTO dictionaries (project_id, data, created_at)
        VALUES (:project_id, :data, :now)
        RETURNING id""",
        project_id=project_id,
        data=data,
        now=tx.now,
    )
    return made


async def get(tx: Reader, dictionary_id: int) -> bytes | None:
    data = await tx.value("SELECT data FROM dictionaries WHERE id = :id", id=dictionary_id)
    return bytes(data) if data is not None else None


async def newest(tx: Reader) -> dict[int, tuple[int, bytes]]:
    """`{project id: (dictionary id, data)}`."""
    rows = await tx.all(
        """
        SELECT id, project_id, data FROM dictionaries
        WHERE id IN (SELECT MAX(id) FROM dictionaries GROUP BY project_id)"""
    )
    return {row["project_id"]: (row["id"], bytes(row["data"])) for row in rows}
