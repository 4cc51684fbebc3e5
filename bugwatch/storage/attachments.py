"""Attachments: a row each, and their content by hash in chunks of at most 1 MiB, so that no row grows too large."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.batch import NewAttachment
from bugwatch.storage.database import Reader, Row, Tx

CHUNK = 1024 * 1024


async def add(tx: Tx, batch: Sequence[NewAttachment]) -> tuple[list[NewAttachment], list[NewAttachment]]:
    """Those that were stored, and those that were here already: the same content and name for the same event."""
    rows = await tx.among(
        "SELECT project_id, event_key, sha256, name FROM attachments WHERE event_key IN :keys",
        sorted({new.event_key for new in batch}),
    )
    known = {(row["project_id"], row["event_key"], bytes(row["sha256"]), row["name"]) for row in rows}
    stored: list[NewAttachment] = []
    repeats: list[NewAttachment] = []
    for new in batch:
        name = (new.arrival.project_id, new.event_key, new.sha256, new.arrival.filename)
        (repeats if name in known else stored).append(new)
        known.add(name)
    await tx.rows(
        """
        INSERT INTO attachments (id, project_id, event_key, sha256, name, content_type, attachment_type, size)
        VALUES :rows""",
        [
            (
                new.arrival.id,
                new.arrival.project_id,
                new.event_key,
                new.sha256,
                new.arrival.filename,
                new.arrival.content_type,
                new.arrival.attachment_type,
                len(new.arrival.payload),
            )
            for new in stored
        ],
    )
    for sha256, payload in sorted({new.sha256: new.arrival.payload for new in stored}.items()):
        await tx.rows(
            """
            INSERT INTO content_chunks (sha256, number, data)
            VALUES :rows
            ON CONFLICT (sha256, number) DO NOTHING""",
            [(sha256, start // CHUNK, payload[start : start + CHUNK]) for start in range(0, len(payload), CHUNK)],
        )
    return stored, repeats


async def of_event(tx: Reader, project_id: int, event_key: int) -> Sequence[Row]:
    """id, name, content_type, attachment_type and size of an event's attachments."""
    return await tx.all(
        """
        SELECT id, name, content_type, attachment_type, size FROM attachments
        WHERE project_id = :project_id AND event_key = :event_key
        ORDER BY id""",
        project_id=project_id,
        event_key=event_key,
    )


async def content(tx: Reader, project_id: int, attachment_id: int) -> tuple[Row, bytes] | None:
    """An attachment's row and its bytes, or None."""
    row = await tx.one(
        "SELECT * FROM attachments WHERE project_id = :project_id AND id = :id", project_id=project_id, id=attachment_id
    )
    if row is None:
        return None
    chunks = await tx.all(
        "SELECT data FROM content_chunks WHERE sha256 = :sha256 ORDER BY number", sha256=bytes(row["sha256"])
    )
    return row, b"".join(bytes(chunk["data"]) for chunk in chunks)
