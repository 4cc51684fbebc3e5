"""Attachments: a row each; what is in them is in `contents`, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.batch import NewAttachment
from bugwatch.storage import contents
from bugwatch.storage.database import Reader, Tx


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with an event, as its sender described it; `size` in bytes."""

    id: int
    name: str
    content_type: str
    attachment_type: str
    size: int
    sha256: bytes


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
        await contents.put(tx, contents.pieces(sha256, payload))
    return stored, repeats


async def of_event(tx: Reader, project_id: int, event_key: int) -> list[Attachment]:
    """An event's attachments, in the order in which they came."""
    rows = await tx.all(
        "SELECT * FROM attachments WHERE project_id = :project_id AND event_key = :event_key ORDER BY id",
        project_id=project_id,
        event_key=event_key,
    )
    return [
        Attachment(
            row["id"], row["name"], row["content_type"], row["attachment_type"], row["size"], bytes(row["sha256"])
        )
        for row in rows
    ]
