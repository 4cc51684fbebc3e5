"""Bundles of artifacts: announced, put together file by file, found whole, removed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.artifact import NewArtifact, Upload
from bugwatch.storage import artifacts, contents
from bugwatch.storage.database import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Bundle:
    """One upload. `waiting` are the chunks that it is yet to be put together from; without any and without an `error`
    it is whole."""

    id: int
    sha1: bytes
    size: int
    waiting: tuple[bytes, ...]
    error: str
    uploaded_at: int

    @property
    def is_whole(self) -> bool:
        return not self.waiting and not self.error


@dataclass(frozen=True, slots=True)
class ListedBundle:
    """A bundle as a project sees it. `releases` are (release, dist); sizes in bytes, `size` as stored."""

    id: int
    uploaded_at: int
    error: str
    is_waiting: bool
    releases: tuple[tuple[str, str], ...]
    file_count: int
    map_count: int
    debug_id_count: int
    size: int


async def by_sha1(tx: Reader, sha1: bytes) -> Bundle | None:
    row = await tx.one("SELECT * FROM artifact_bundles WHERE sha1 = :sha1", sha1=sha1)
    return _bundle_of(row) if row else None


async def announce(tx: Tx, upload: Upload) -> Bundle:
    """The upload's bundle, known from now on to its projects and its release: the newest that they have.

    Unless it is whole, it waits to be put together from the upload's chunks.
    """
    row = await tx.one(
        """
        INSERT INTO artifact_bundles (sha1, debug_id, size, chunks, error, uploaded_at)
        VALUES (:sha1, '', 0, :chunks, '', :now)
        ON CONFLICT (sha1) DO UPDATE SET
            chunks = CASE
                WHEN artifact_bundles.chunks = '' AND artifact_bundles.error = '' THEN ''
                ELSE excluded.chunks END,
            error = '',
            uploaded_at = excluded.uploaded_at
        RETURNING *""",
        sha1=upload.sha1,
        chunks=json.dumps([chunk.hex() for chunk in upload.chunks]),
        now=tx.now,
    )
    assert row is not None
    bundle = _bundle_of(row)
    await tx.rows(
        """
        INSERT INTO bundle_projects (project_id, bundle_id, uploaded_at)
        VALUES :rows
        ON CONFLICT (project_id, bundle_id) DO UPDATE SET uploaded_at = excluded.uploaded_at""",
        [(project_id, bundle.id, tx.now) for project_id in sorted(upload.project_ids)],
    )
    if upload.release:
        await tx.rows(
            """
            INSERT INTO bundle_releases (project_id, release, dist, bundle_id)
            VALUES :rows
            ON CONFLICT (project_id, release, dist, bundle_id) DO NOTHING""",
            [(project_id, upload.release, upload.dist, bundle.id) for project_id in sorted(upload.project_ids)],
        )
    await artifacts.mark_changed(tx, upload.project_ids)
    return bundle


async def add_file(tx: Tx, bundle_id: int, new: NewArtifact, *, pieces: Sequence[int]) -> None:
    """Store these pieces of a file, with its row if it is not there yet. What is stored already stays as it is."""
    await tx.rows(
        """
        INSERT INTO artifacts (bundle_id, number, kind, debug_id, url, source_map_ref, sha256, size, stored_size)
        VALUES :rows
        ON CONFLICT (bundle_id, number) DO NOTHING""",
        [
            (
                bundle_id,
                new.number,
                new.kind.value,
                new.debug_id,
                new.url,
                new.source_map_ref,
                new.sha256,
                new.size,
                len(new.data),
            )
        ],
    )
    chunks = contents.pieces(new.sha256, new.data)
    await contents.put(tx, [chunks[piece] for piece in pieces])


async def finish(tx: Tx, bundle_id: int, *, debug_id: str, size: int) -> bool:
    """The bundle is whole: from now on its files are found. False if it was removed meanwhile."""
    changed = await tx.run(
        "UPDATE artifact_bundles SET chunks = '', error = '', debug_id = :debug_id, size = :size WHERE id = :id",
        id=bundle_id,
        debug_id=debug_id,
        size=size,
    )
    await artifacts.mark_changed(tx, await project_ids(tx, bundle_id))
    return changed == 1


async def project_ids(tx: Reader, bundle_id: int) -> list[int]:
    rows = await tx.all(
        "SELECT project_id FROM bundle_projects WHERE bundle_id = :id ORDER BY project_id", id=bundle_id
    )
    return [row["project_id"] for row in rows]


def _bundle_of(row: Row) -> Bundle:
    return Bundle(
        id=row["id"],
        sha1=bytes(row["sha1"]),
        size=row["size"],
        waiting=tuple(bytes.fromhex(chunk) for chunk in json.loads(row["chunks"] or "[]")),
        error=row["error"],
        uploaded_at=row["uploaded_at"],
    )
