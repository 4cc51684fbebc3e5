"""`/api/0/`: who asks, their organization and projects."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from bugwatch.domain.account import EVERYTHING
from bugwatch.domain.project import Project
from bugwatch.server.api0.tenant import Tenant, address, tenant_of
from bugwatch.server.auth import caller
from bugwatch.server.context import house
from bugwatch.storage import projects

bp = Blueprint("api0_root", url_prefix="/api/0")


@bp.get("/")
async def show(request: Request) -> HTTPResponse:
    """Who asks, and what their token is for."""
    who = caller(request)
    scopes = [EVERYTHING] if who.scopes is None else sorted(who.scopes)
    user = {"id": str(who.account.id), "email": who.account.email, "name": who.account.name}
    return json({"version": "0", "auth": {"scopes": scopes}, "user": user})


@bp.get("/organizations/")
async def organizations(request: Request) -> HTTPResponse:
    async with house(request).db.read() as tx:
        own = [row["slug"] for row in await projects.organizations(tx) if row["id"] in caller(request).roles]
    return json([_organization(request, await tenant_of(request, slug)) for slug in own])


@bp.get("/organizations/<organization:str>/")
async def organization(request: Request, organization: str) -> HTTPResponse:
    return json(_organization(request, await tenant_of(request, organization)))


@bp.get("/organizations/<organization:str>/projects/")
async def index(request: Request, organization: str) -> HTTPResponse:
    """The projects that the caller may upload for."""
    tenant = await tenant_of(request, organization)
    return json([_project(request, tenant, project) for project in tenant.projects])


@bp.get("/projects/<organization:str>/<project:str>/")
async def project(request: Request, organization: str, project: str) -> HTTPResponse:
    tenant = await tenant_of(request, organization)
    [found] = tenant.named([project])
    return json(_project(request, tenant, found))


def _organization(request: Request, tenant: Tenant) -> dict[str, object]:
    here = address(request)
    return {
        "id": str(tenant.id),
        "slug": tenant.slug,
        "name": tenant.name,
        "status": {"id": "active", "name": "active"},
        "links": {"organizationUrl": here, "regionUrl": here},
        "features": [],
    }


def _project(request: Request, tenant: Tenant, project: Project) -> dict[str, object]:
    return {
        "id": str(project.id),
        "slug": project.slug,
        "name": project.name,
        "platform": project.platform,
        "status": "active",
        "organization": _organization(request, tenant),
        "team": None,
        "teams": [],
    }
