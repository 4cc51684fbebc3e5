"""`/api/0/…/releases/`: announced, finalized, given their commits, deployed."""

from __future__ import annotations

from collections.abc import Sequence

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from bugwatch.domain.clock import to_iso
from bugwatch.domain.errors import NotFound
from bugwatch.domain.project import Project
from bugwatch.domain.release import Deploy, Release
from bugwatch.protocol.release_payload import AnnouncedRelease, deploy_of
from bugwatch.protocol.release_payload import release_of as announced_in
from bugwatch.server.api0.tenant import Tenant, release_of, tenant_of
from bugwatch.server.context import house
from bugwatch.storage import releases

bp = Blueprint("api0_releases", url_prefix="/api/0")

LISTED = 100


@bp.post("/organizations/<organization:str>/releases/")
async def create(request: Request, organization: str) -> HTTPResponse:
    """Announce a release for projects. 208 if it is known already."""
    tenant, told = await tenant_of(request, organization), announced_in(request.body)
    # Some tools name none. Where there is only one, it is meant.
    projects = tenant.named(told.projects) or (tenant.projects if len(tenant.projects) == 1 else ())
    return await _announce(request, tenant, told.version, told, projects)


@bp.post("/projects/<organization:str>/<project:str>/releases/")
async def create_for_project(request: Request, organization: str, project: str) -> HTTPResponse:
    """The same for one project."""
    tenant, told = await tenant_of(request, organization), announced_in(request.body)
    return await _announce(request, tenant, told.version, told, tenant.named([project]))


@bp.get("/organizations/<organization:str>/releases/")
async def index(request: Request, organization: str) -> HTTPResponse:
    """The newest releases of the projects that the caller sees, or of those in the query."""
    tenant = await tenant_of(request, organization)
    return await _listed(request, tenant.named(request.args.getlist("project", [])) or tenant.projects)


@bp.get("/projects/<organization:str>/<project:str>/releases/")
async def index_of_project(request: Request, organization: str, project: str) -> HTTPResponse:
    """The newest releases of one project."""
    tenant = await tenant_of(request, organization)
    return await _listed(request, tenant.named([project]))


@bp.get("/organizations/<organization:str>/releases/<version:str>/")
async def show(request: Request, organization: str, version: str) -> HTTPResponse:
    return json(_shown(*await release_of(request, await tenant_of(request, organization), version)))


@bp.put("/organizations/<organization:str>/releases/<version:str>/")
async def change(request: Request, organization: str, version: str) -> HTTPResponse:
    """Finalize it, or give it its commits."""
    tenant, told = await tenant_of(request, organization), announced_in(request.body)
    release, _ = await release_of(request, tenant, version)
    return await _announce(request, tenant, release.version, told, tenant.named(told.projects), status=200)


@bp.put("/projects/<organization:str>/<project:str>/releases/<version:str>/")
async def change_of_project(request: Request, organization: str, project: str, version: str) -> HTTPResponse:
    """The same, for one project."""
    tenant, told = await tenant_of(request, organization), announced_in(request.body)
    release, _ = await release_of(request, tenant, version)
    return await _announce(request, tenant, release.version, told, tenant.named([project]), status=200)


@bp.get("/organizations/<organization:str>/releases/<version:str>/previous-with-commits/")
async def previous(request: Request, organization: str, version: str) -> HTTPResponse:
    """The release from which the commits of this one go on, or nothing."""
    tenant = await tenant_of(request, organization)
    release, _ = await release_of(request, tenant, version)
    async with house(request).db.read() as tx:
        found = await releases.previous_commit(tx, release)
    if not found:
        return json({})
    before, commit = found
    last = {"id": commit.id, "repository": {"name": commit.repository}}
    return json({**_shown(before, []), "lastCommit": last})


@bp.get("/organizations/<organization:str>/releases/<version:str>/commits/")
async def commits(request: Request, organization: str, version: str) -> HTTPResponse:
    """Newest first."""
    release, _ = await release_of(request, await tenant_of(request, organization), version)
    async with house(request).db.read() as tx:
        found = await releases.commits(tx, release.id)
    return json(
        [{"id": commit.id, "message": commit.message, "dateCreated": _iso(commit.committed_at)} for commit in found]
    )


@bp.get("/organizations/<organization:str>/repos/")
async def repos(request: Request, organization: str) -> HTTPResponse:
    """None: so tools read the commits from the repository that they stand in."""
    await tenant_of(request, organization)
    return json([])


@bp.post("/organizations/<organization:str>/releases/<version:str>/deploys/")
async def deploy(request: Request, organization: str, version: str) -> HTTPResponse:
    tenant, new = await tenant_of(request, organization), deploy_of(request.body)
    release, _ = await release_of(request, tenant, version)
    return json(_deployed(await house(request).releases.deploy(tenant.id, release.version, new)), 201)


@bp.get("/organizations/<organization:str>/releases/<version:str>/deploys/")
async def deploys(request: Request, organization: str, version: str) -> HTTPResponse:
    """Newest first."""
    release, _ = await release_of(request, await tenant_of(request, organization), version)
    async with house(request).db.read() as tx:
        found = await releases.deploys(tx, release.id, LISTED)
    return json([_deployed(each) for each in found])


@bp.get("/projects/<organization:str>/<project:str>/releases/<version:str>/files/")
async def files(request: Request, organization: str, project: str, version: str) -> HTTPResponse:
    """Tools that ask this upload bundles as well."""
    raise NotFound("Files are not listed one by one here: they are uploaded in bundles.")


async def _announce(
    request: Request,
    tenant: Tenant,
    version: str,
    told: AnnouncedRelease,
    projects: Sequence[Project],
    status: int | None = None,
) -> HTTPResponse:
    release, is_new = await house(request).releases.announce(
        tenant.id,
        version,
        [project.id for project in projects],
        url=told.url,
        ref=told.ref,
        released_at=told.released_at,
        commits=told.commits,
    )
    _, seen = await release_of(request, tenant, version)
    return json(_shown(release, seen), status or (201 if is_new else 208))


async def _listed(request: Request, projects: Sequence[Project]) -> HTTPResponse:
    found: dict[int, tuple[Release, list[Project]]] = {}
    async with house(request).db.read() as tx:
        for project in projects:
            for release in await releases.of_project(tx, project.id, LISTED):
                found.setdefault(release.id, (release, []))[1].append(project)
    newest = sorted(found.values(), key=lambda each: each[0].id, reverse=True)[:LISTED]
    return json([_shown(*each) for each in newest])


def _shown(release: Release, projects: Sequence[Project]) -> dict[str, object]:
    return {
        "id": release.id,
        "version": release.version,
        "shortVersion": release.version,
        "url": release.url or None,
        "ref": release.ref or None,
        "dateCreated": to_iso(release.created_at),
        "dateReleased": _iso(release.released_at),
        "firstEvent": None,
        "lastEvent": None,
        "newGroups": 0,
        "projects": [{"id": project.id, "slug": project.slug, "name": project.name} for project in projects],
    }


def _deployed(deploy: Deploy) -> dict[str, object]:
    return {
        "id": str(deploy.id),
        "environment": deploy.environment,
        "name": deploy.name or None,
        "url": deploy.url or None,
        "dateStarted": _iso(deploy.started_at),
        "dateFinished": to_iso(deploy.finished_at),
    }


def _iso(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
