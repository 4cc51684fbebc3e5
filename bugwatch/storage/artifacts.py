"""Artifacts, as they are looked up: by debug id, and by release and URL. A project finds what was uploaded for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import zstandard

from bugwatch.storage import contents
from bugwatch.storage.database import Reader, Row, Topic, Tx


@dataclass(frozen=True, slots=True)
class Artifact:
    """A source map, or code. `sha256` names its content (it is of what is stored); `size` in bytes is the content's;
    `debug_id` is a lower-case uuid, and like `source_map_ref` empty where the upload names none."""

    id: int
    bundle_id: int
    kind: str
    debug_id: str
    url: str
    source_map_ref: str
    sha256: bytes
    size: int
    uploaded_at: int


async def by_debug_ids(tx: Reader, project_id: int, debug_ids: Sequence[str]) -> dict[str, list[Artifact]]:
    """What was uploaded for the project under these ids, newest first: of each kind only the newest."""
    rows = await tx.among(
        """
        SELECT *
        FROM (
            SELECT artifacts.*, bundle_projects.uploaded_at, ROW_NUMBER() OVER (
                PARTITION BY artifacts.debug_id, artifacts.kind
                ORDER BY bundle_projects.uploaded_at DESC, artifacts.id DESC) AS place
            FROM artifacts
            JOIN artifact_bundles ON artifact_bundles.id = artifacts.bundle_id AND artifact_bundles.chunks = ''
            JOIN bundle_projects ON bundle_projects.bundle_id = artifacts.bundle_id
                AND bundle_projects.project_id = :project_id
            WHERE artifacts.debug_id IN :keys) AS ranked
        WHERE place = 1
        ORDER BY uploaded_at DESC, id DESC""",
        _named(debug_ids),
        project_id=project_id,
    )
    found: dict[str, list[Artifact]] = {}
    for row in rows:
        found.setdefault(row["debug_id"], []).append(artifact_of(row))
    return found


async def elsewhere(tx: Reader, project_id: int, debug_ids: Sequence[str]) -> set[str]:
    """Those of these ids that were uploaded, but only for other projects of the organization."""
    rows = await tx.among(
        """
        SELECT artifacts.debug_id
        FROM artifacts
        JOIN artifact_bundles ON artifact_bundles.id = artifacts.bundle_id AND artifact_bundles.chunks = ''
        JOIN bundle_projects ON bundle_projects.bundle_id = artifacts.bundle_id
        JOIN projects ON projects.id = bundle_projects.project_id
        WHERE artifacts.debug_id IN :keys
            AND projects.organization_id = (SELECT organization_id FROM projects WHERE id = :project_id)
        GROUP BY artifacts.debug_id
        HAVING MAX(CASE WHEN bundle_projects.project_id = :project_id THEN 1 ELSE 0 END) = 0""",
        _named(debug_ids),
        project_id=project_id,
    )
    return {row["debug_id"] for row in rows}


async def by_urls(
    tx: Reader, project_id: int, release: str, dist: str, urls: Sequence[str]
) -> dict[str, list[Artifact]]:
    """What was uploaded for this release of the project under these URLs, newest first: of each kind only the newest.

    What was uploaded for the very dist comes before what was uploaded for none; what is for another is not found.
    """
    rows = await tx.among(
        """
        SELECT *
        FROM (
            SELECT artifacts.*, bundle_projects.uploaded_at, ROW_NUMBER() OVER (
                PARTITION BY artifacts.url, artifacts.kind
                ORDER BY
                    CASE WHEN bundle_releases.dist = :dist THEN 0 ELSE 1 END,
                    bundle_projects.uploaded_at DESC,
                    artifacts.id DESC) AS place
            FROM bundle_releases
            CROSS JOIN artifacts
            JOIN artifact_bundles ON artifact_bundles.id = artifacts.bundle_id AND artifact_bundles.chunks = ''
            JOIN bundle_projects ON bundle_projects.bundle_id = artifacts.bundle_id
                AND bundle_projects.project_id = bundle_releases.project_id
            WHERE bundle_releases.project_id = :project_id
                AND bundle_releases.release = :release
                AND bundle_releases.dist IN (:dist, '')
                AND artifacts.bundle_id = bundle_releases.bundle_id
                AND artifacts.url IN :keys) AS ranked
        WHERE place = 1
        ORDER BY uploaded_at DESC, id DESC""",
        _named(urls),
        project_id=project_id,
        release=release,
        dist=dist,
    )
    found: dict[str, list[Artifact]] = {}
    for row in rows:
        found.setdefault(row["url"], []).append(artifact_of(row))
    return found


async def sources_beside(tx: Reader, bundle_id: int, urls: Sequence[str]) -> dict[str, Artifact]:
    """The sources at these URLs that were uploaded in the same bundle."""
    rows = await tx.among(
        """
        SELECT artifacts.*, artifact_bundles.uploaded_at
        FROM artifacts
        JOIN artifact_bundles ON artifact_bundles.id = artifacts.bundle_id
        WHERE artifacts.bundle_id = :bundle_id AND artifacts.kind = 'source' AND artifacts.url IN :keys""",
        _named(urls),
        bundle_id=bundle_id,
    )
    return {row["url"]: artifact_of(row) for row in rows}


async def content(tx: Reader, sha256: bytes) -> bytes:
    """The whole content of an artifact, expanded; empty if it is gone. Others run between its pieces."""
    unpacking = zstandard.ZstdDecompressor().decompressobj()
    parts: list[bytes] = []
    while piece := await contents.chunk(tx, sha256, len(parts)):
        parts.append(unpacking.decompress(piece))
    return b"".join(parts)


def packed(pieces: Iterable[bytes], size: int) -> bytes:
    """How a content of `size` bytes is stored: maps shrink to a fifth. Raises ValueError if it has another size."""
    packing = zstandard.ZstdCompressor(level=3).compressobj(size=size)
    try:
        return b"".join([*map(packing.compress, pieces), packing.flush()])
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


async def newest(tx: Reader, project_id: int) -> int:
    """A number that is another one after every change to what the project's lookups may find."""
    found: int | None = await tx.value(
        "SELECT revision FROM artifact_revisions WHERE project_id = :project_id", project_id=project_id
    )
    return found or 0


async def revisions(tx: Reader) -> dict[int, int]:
    """`newest` of every project that something was ever uploaded for."""
    return {row["project_id"]: row["revision"] for row in await tx.all("SELECT * FROM artifact_revisions")}


async def mark_changed(tx: Tx, project_ids: Sequence[int]) -> None:
    """What was looked up for these projects before may be wrong now."""
    await tx.rows(
        """
        INSERT INTO artifact_revisions (project_id, revision)
        VALUES :rows
        ON CONFLICT (project_id) DO UPDATE SET revision = artifact_revisions.revision + 1""",
        [(project_id, 1) for project_id in sorted(project_ids)],
    )
    await tx.announce(Topic.ARTIFACTS)


def artifact_of(row: Row) -> Artifact:
    return Artifact(
        id=row["id"],
        bundle_id=row["bundle_id"],
        kind=row["kind"],
        debug_id=row["debug_id"],
        url=row["url"],
        source_map_ref=row["source_map_ref"],
        sha256=bytes(row["sha256"]),
        size=row["size"],
        uploaded_at=row["uploaded_at"],
    )


def _named(keys: Sequence[str]) -> list[str]:
    """Each once; none that is empty, or that no text of the database can be."""
    return sorted({key for key in keys if key and "\0" not in key})
