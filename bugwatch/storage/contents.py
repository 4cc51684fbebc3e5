"""Contents of files by the hash of what is stored, in chunks of at most 1 MiB, so that no row grows too large.

Attachments and artifacts share them: one is removed when neither uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.storage.database import Reader, Tx

CHUNK = 1024 * 1024


def pieces(sha256: bytes, data: bytes) -> list[tuple[bytes, int, bytes]]:
    """The rows of a content: its hash, their number from 0 on, and their bytes."""
    return [(sha256, start // CHUNK, data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)]


async def put(tx: Tx, chunks: Sequence[tuple[bytes, int, bytes]]) -> None:
    """What is there already stays as it is; on Postgres it is locked, which DO NOTHING would not do."""
    await tx.rows(
        """
        INSERT INTO content_chunks (sha256, number, data)
        VALUES :rows
        ON CONFLICT (sha256, number) DO UPDATE SET number = excluded.number WHERE content_chunks.number < 0""",
        chunks,
    )


async def hold(tx: Tx, contents: Sequence[bytes]) -> None:
    """From here on nobody else attaches or removes these contents until the transaction ends.

    Who removes one asks for it before looking whether it is still in use.
    """
    await put(tx, [(sha256, 0, b"") for sha256 in sorted(contents)])


async def remove_unused(tx: Tx, contents: Sequence[bytes]) -> None:
    """Remove those of these contents that nothing uses any more."""
    await hold(tx, contents)
    await tx.among(
        """
        DELETE FROM content_chunks
        WHERE sha256 IN :keys
            AND NOT EXISTS (SELECT 1 FROM used_contents WHERE used_contents.sha256 = content_chunks.sha256)
        RETURNING number""",
        sorted(contents),
    )


async def chunk(tx: Reader, sha256: bytes, number: int) -> bytes:
    """One piece of a content, from 0 on; empty after the last."""
    data = await tx.value(
        "SELECT data FROM content_chunks WHERE sha256 = :sha256 AND number = :number", sha256=sha256, number=number
    )
    return bytes(data or b"")
