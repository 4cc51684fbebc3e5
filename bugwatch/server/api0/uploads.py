"""`/api/0/…/chunk-upload/` and `…/assemble/`: source maps arrive in chunks, and are put together."""

from __future__ import annotations

import asyncio
from typing import cast

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import RequestTimeout
from sanic.response import json

from bugwatch.domain.artifact import Assembly, Upload
from bugwatch.domain.errors import Invalid, TooLarge
from bugwatch.domain.release import clean_dist, clean_version
from bugwatch.protocol.chunk_upload import CHUNK_BYTES, CHUNKS_PER_REQUEST, REQUEST_BYTES, chunks_of
from bugwatch.protocol.release_payload import upload_of
from bugwatch.server.api0.tenant import address, release_of, tenant_of
from bugwatch.server.context import house
from bugwatch.services.artifacts import BUNDLE_BYTES

bp = Blueprint("api0_uploads", url_prefix="/api/0/organizations/<organization:str>")

AT_ONCE = 4  # requests whose body is in memory; others wait their turn before they are read
BODY_S = 300


@bp.get("/chunk-upload/")
async def options(request: Request, organization: str) -> HTTPResponse:
    """How to upload."""
    tenant = await tenant_of(request, organization)
    return json(
        {
            "url": address(request, f"/api/0/organizations/{tenant.slug}/chunk-upload/"),
            "chunkSize": CHUNK_BYTES,
            "chunksPerRequest": CHUNKS_PER_REQUEST,
            "maxRequestSize": CHUNKS_PER_REQUEST * CHUNK_BYTES,
            "maxFileSize": BUNDLE_BYTES,
            "maxWait": 0,
            "concurrency": 2,
            "hashAlgorithm": "sha1",
            "compression": ["gzip"],
            "accept": ["release_files", "artifact_bundles", "artifact_bundles_v2"],
        }
    )


@bp.post("/chunk-upload/", stream=True)
async def upload(request: Request, organization: str) -> HTTPResponse:
    """Keep the chunks of the body: all of them or none."""
    await tenant_of(request, organization)
    async with cast("asyncio.Semaphore", request.app.ctx.upload_turns):
        body = await _body(request)
        content_type = request.headers.get("content-type", "")
        for sha1, data in await asyncio.to_thread(lambda: list(chunks_of(body, content_type))):
            await house(request).artifacts.keep(sha1, data)
    return json([])


@bp.post("/artifactbundle/assemble/")
async def assemble(request: Request, organization: str) -> HTTPResponse:
    """Put a bundle together for the projects that it names."""
    tenant, told = await tenant_of(request, organization), upload_of(request.body)
    if not told.projects:
        raise Invalid("“projects” is missing: which projects is the upload for?", "projects")
    project_ids = tuple(project.id for project in tenant.named(told.projects))
    release = clean_version(told.version) if told.version else ""
    dist = clean_dist(told.dist) if release else ""
    upload = Upload(told.sha1, told.chunks, tenant.id, project_ids, release, dist)
    return await _assembled(request, upload)


@bp.post("/releases/<version:str>/assemble/")
async def assemble_release(request: Request, organization: str, version: str) -> HTTPResponse:
    """The same as older tools ask for it: the bundle belongs to a release, and that to its projects."""
    tenant, told = await tenant_of(request, organization), upload_of(request.body)
    release, projects = await release_of(request, tenant, version)
    if not projects:
        raise Invalid(f"The release “{release.version}” has no project. Create it for one.")
    ids = tuple(project.id for project in projects)
    upload = Upload(told.sha1, told.chunks, tenant.id, ids, release.version, clean_dist(told.dist))
    return await _assembled(request, upload)


async def _assembled(request: Request, upload: Upload) -> HTTPResponse:
    """What came of it. The next event looks for it already; other instances hear of it within a second."""
    assembly = await house(request).artifacts.assemble(upload)
    await house(request).symbolication.look()
    return _answer(assembly)


def _answer(assembly: Assembly) -> HTTPResponse:
    return json(
        {
            "state": str(assembly.state),
            "missingChunks": [chunk.hex() for chunk in assembly.missing],
            "detail": assembly.detail or None,
        }
    )


async def _body(request: Request) -> bytes:
    pieces: list[bytes] = []
    arrived = 0
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream:  # type: ignore[union-attr]
                arrived += len(piece)
                if arrived > REQUEST_BYTES:
                    raise TooLarge(f"The request is too large: at most {REQUEST_BYTES:,} bytes are taken.")
                pieces.append(piece)
    except TimeoutError:
        raise RequestTimeout("The body took too long to arrive.") from None
    return b"".join(pieces)
