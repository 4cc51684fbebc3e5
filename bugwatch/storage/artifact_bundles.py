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

    @property
    def place(self) -> tuple[int, int]:
        return self.uploaded_at, self.id


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
        chunks=_listed(upload.chunks),
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


async def add_files(
    tx: Tx, bundle_id: int, files: Sequence[NewArtifact], pieces: Sequence[tuple[bytes, int, bytes]]
) -> None:
    """Store the rows of these files, and these pieces of their contents. What is here already stays as it is."""
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
            for new in files
        ],
    )
    await contents.put(tx, sorted(pieces, key=lambda piece: piece[:2]))


async def finish(tx: Tx, bundle_id: int, *, debug_id: str, size: int) -> bool:
    """The bundle is whole: from now on its files are found. False if it was removed meanwhile."""
    changed = await tx.run(
        """
        UPDATE artifact_bundles SET chunks = '', debug_id = :debug_id, size = :size
        WHERE id = :id AND error = ''""",
        id=bundle_id,
        debug_id=debug_id,
        size=size,
    )
    await artifacts.mark_changed(tx, await project_ids(tx, bundle_id))
    return changed == 1


async def fail(tx: Tx, bundle: Bundle, error: str) -> bool:
    """Its chunks make no bundle, for this reason. False if it waits for other chunks by now, or was removed."""
    changed = await tx.run(
        "UPDATE artifact_bundles SET chunks = '', error = :error WHERE id = :id AND chunks = :chunks",
        id=bundle.id,
        error=error,
        chunks=_listed(bundle.waiting),
    )
    return changed == 1


async def waiting(tx: Reader, *, before: int) -> list[Bundle]:
    """Those that were announced before then and still wait to be put together, oldest first."""
    rows = await tx.all(
        """
        SELECT * FROM artifact_bundles
        WHERE chunks <> '' AND error = '' AND uploaded_at < :before
        ORDER BY uploaded_at""",
        before=before,
    )
    return [_bundle_of(row) for row in rows]


async def of_project(
    tx: Reader, project_id: int, limit: int, before: tuple[int, int] | None = None
) -> list[ListedBundle]:
    """The project's bundles, newest first; `before` is `place` of the last one seen."""
    at, bundle_id = before or (2**62, 2**62)
    rows = await tx.all(
        """
        SELECT bundle_projects.uploaded_at AS given_at, artifact_bundles.*
        FROM bundle_projects
        JOIN artifact_bundles ON artifact_bundles.id = bundle_projects.bundle_id
        WHERE bundle_projects.project_id = :project_id
            AND (bundle_projects.uploaded_at < :at
                OR (bundle_projects.uploaded_at = :at AND artifact_bundles.id < :bundle_id))
        ORDER BY bundle_projects.uploaded_at DESC, artifact_bundles.id DESC
        LIMIT :limit""",
        project_id=project_id,
        at=at,
        bundle_id=bundle_id,
        limit=limit,
    )
    ids = [row["id"] for row in rows]
    files = {row["bundle_id"]: row for row in await tx.among(_SUMMARY, ids)}
    releases: dict[int, list[tuple[str, str]]] = {}
    for row in await tx.among(
        """
        SELECT bundle_id, release, dist FROM bundle_releases
        WHERE project_id = :project_id AND bundle_id IN :keys
        ORDER BY release, dist""",
        ids,
        project_id=project_id,
    ):
        releases.setdefault(row["bundle_id"], []).append((row["release"], row["dist"]))
    return [_listed_of(row, files.get(row["id"]), releases.get(row["id"], [])) for row in rows]


_SUMMARY = """
    SELECT bundle_id, COUNT(*) AS file_count,
        SUM(CASE WHEN kind = 'source_map' THEN 1 ELSE 0 END) AS map_count,
        COUNT(DISTINCT CASE WHEN debug_id <> '' THEN debug_id END) AS debug_id_count,
        CAST(SUM(stored_size) AS bigint) AS size
    FROM artifacts
    WHERE bundle_id IN :keys
    GROUP BY bundle_id"""


async def total_size(tx: Reader) -> int:
    """How much all bundles take, in bytes as uploaded."""
    total: int | None = await tx.value("SELECT CAST(SUM(size) AS bigint) FROM artifact_bundles")
    return total or 0


async def withdraw(tx: Tx, project_id: int, bundle_id: int) -> bool:
    """The project has this bundle no more; whether it had it. What no project has is removed by `remove_slice`."""
    await tx.run(
        "DELETE FROM bundle_releases WHERE project_id = :project_id AND bundle_id = :bundle_id",
        project_id=project_id,
        bundle_id=bundle_id,
    )
    changed = await tx.run(
        "DELETE FROM bundle_projects WHERE project_id = :project_id AND bundle_id = :bundle_id",
        project_id=project_id,
        bundle_id=bundle_id,
    )
    await artifacts.mark_changed(tx, [project_id])
    return changed == 1


async def oldest(tx: Reader, *, before: int, window: int) -> int | None:
    """The id of the bundle that was uploaded longest ago, and before then; None if there is none.

    Of each project the newest upload stays whatever its age, with what came within `window` ms before it.
    """
    found: int | None = await tx.value(
        """
        WITH newest AS (SELECT project_id, MAX(uploaded_at) AS at FROM bundle_projects GROUP BY project_id)
        SELECT artifact_bundles.id
        FROM artifact_bundles
        WHERE artifact_bundles.uploaded_at < :before
            AND EXISTS (SELECT 1 FROM bundle_projects WHERE bundle_projects.bundle_id = artifact_bundles.id)
            AND NOT EXISTS (
                SELECT 1 FROM bundle_projects
                JOIN newest ON newest.project_id = bundle_projects.project_id
                WHERE bundle_projects.bundle_id = artifact_bundles.id
                    AND bundle_projects.uploaded_at >= newest.at - :window)
        ORDER BY artifact_bundles.uploaded_at, artifact_bundles.id
        LIMIT 1""",
        before=before,
        window=window,
    )
    return found


async def failed(tx: Reader, *, before: int) -> int | None:
    """The id of a bundle that could not be put together before then; None if there is none."""
    found: int | None = await tx.value(
        """
        SELECT id FROM artifact_bundles
        WHERE error <> '' AND uploaded_at < :before
            AND EXISTS (SELECT 1 FROM bundle_projects WHERE bundle_projects.bundle_id = artifact_bundles.id)
        LIMIT 1""",
        before=before,
    )
    return found


async def homeless(tx: Reader) -> int | None:
    """The id of a bundle that no project has; None if there is none."""
    found: int | None = await tx.value(
        """
        SELECT id FROM artifact_bundles
        WHERE NOT EXISTS (SELECT 1 FROM bundle_projects WHERE bundle_projects.bundle_id = artifact_bundles.id)
        LIMIT 1"""
    )
    return found


async def remove_slice(tx: Tx, bundle_id: int, size: int) -> bool:
    """Remove up to `size` files of a bundle that no project has, its own row last; whether something is left to do."""
    # Locked first: who announces it again is seen by the next statement, or waits and finds it removed.
    await tx.run("UPDATE artifact_bundles SET size = size WHERE id = :id", id=bundle_id)
    changed = await tx.run(
        """
        UPDATE artifact_bundles SET chunks = '[]', error = 'removed'
        WHERE id = :id AND NOT EXISTS (SELECT 1 FROM bundle_projects WHERE bundle_id = :id)""",
        id=bundle_id,
    )
    if not changed:
        return False
    if await remove_files(tx, bundle_id, size):
        return True
    await tx.run("DELETE FROM artifact_bundles WHERE id = :id", id=bundle_id)
    return False


async def remove_files(tx: Tx, bundle_id: int, size: int) -> int:
    """Remove up to `size` files of a bundle, with contents that nothing else uses. How many."""
    rows = await tx.all(
        """
        DELETE FROM artifacts
        WHERE id IN (SELECT id FROM artifacts WHERE bundle_id = :id LIMIT :size)
        RETURNING sha256""",
        id=bundle_id,
        size=size,
    )
    await contents.remove_unused(tx, [*{bytes(row["sha256"]) for row in rows}])
    return len(rows)


async def project_ids(tx: Reader, bundle_id: int) -> list[int]:
    rows = await tx.all(
        "SELECT project_id FROM bundle_projects WHERE bundle_id = :id ORDER BY project_id", id=bundle_id
    )
    return [row["project_id"] for row in rows]


def _listed(chunks: Sequence[bytes]) -> str:
    return json.dumps([chunk.hex() for chunk in chunks])


def _listed_of(row: Row, files: Row | None, releases: Sequence[tuple[str, str]]) -> ListedBundle:
    return ListedBundle(
        id=row["id"],
        uploaded_at=row["given_at"],
        error=row["error"],
        is_waiting=bool(row["chunks"]),
        releases=tuple(releases),
        file_count=files["file_count"] if files else 0,
        map_count=files["map_count"] if files else 0,
        debug_id_count=files["debug_id_count"] if files else 0,
        size=files["size"] if files else 0,
    )


def _bundle_of(row: Row) -> Bundle:
    return Bundle(
        id=row["id"],
        sha1=bytes(row["sha1"]),
        size=row["size"],
        waiting=tuple(bytes.fromhex(chunk) for chunk in json.loads(row["chunks"] or "[]")),
        error=row["error"],
        uploaded_at=row["uploaded_at"],
    )
