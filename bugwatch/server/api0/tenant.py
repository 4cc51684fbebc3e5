"""Whose organization and projects the addresses and bodies of build tools mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from sanic import Request

from bugwatch.domain.account import Verb
from bugwatch.domain.errors import Forbidden, NotFound
from bugwatch.domain.project import Project
from bugwatch.domain.release import Release
from bugwatch.server.address import is_from_proxy
from bugwatch.server.auth import caller
from bugwatch.server.context import house
from bugwatch.server.security import is_https
from bugwatch.storage import projects, releases

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization in which the caller may upload, and the projects for which they may."""

    id: int
    slug: str
    name: str
    projects: tuple[Project, ...]

    def named(self, names: Sequence[str]) -> list[Project]:
        """The projects with these slugs or ids. Raises NotFound, with the list."""
        found = []
        for name in names:
            project = next((p for p in self.projects if name in (p.slug, str(p.id))), None)
            if project is None:
                known = ", ".join(p.slug for p in self.projects[:SHOWN]) or "none"
                raise NotFound(f"There is no project “{name[:100]}” that you may upload for. There are: {known}.")
            found.append(project)
        return found


async def tenant_of(request: Request, organization: str) -> Tenant:
    """The organization that is named by its slug or id. Who belongs to one only may name it as they like.

    Raises NotFound, and Forbidden for a token without the right.
    """
    who, name = caller(request), unquote(organization)
    async with house(request).db.read() as tx:
        own = [row for row in await projects.organizations(tx) if row["id"] in who.roles]
    named = [row for row in own if name in (row["slug"], str(row["id"]))] or (own if len(own) == 1 else [])
    if not named:
        known = ", ".join(row["slug"] for row in own) or "none"
        raise NotFound(f"You belong to no organization “{name[:100]}”. There are: {known}.")
    [row] = named[:1]
    if not who.may(Verb.SOURCEMAPS, row["id"]):
        raise Forbidden(f"This token may not upload: it needs the scope “{Verb.SOURCEMAPS}”.")
    seen = await house(request).permissions.projects(who, Verb.SOURCEMAPS)
    return Tenant(row["id"], row["slug"], row["name"], tuple(p for p in seen if p.organization_id == row["id"]))


async def release_of(request: Request, tenant: Tenant, version: str) -> tuple[Release, list[Project]]:
    """The release, and those of its projects that the caller sees. Raises NotFound, also if they see none."""
    version = unquote(version)
    release = await house(request).releases.get(tenant.id, version)
    async with house(request).db.read() as tx:
        ids = await releases.project_ids(tx, release.id)
    seen = [project for project in tenant.projects if project.id in ids]
    if ids and not seen:
        raise NotFound(f"There is no release “{version}”.")
    return release, seen


def address(request: Request, path: str = "") -> str:
    """`path` of ours as the caller must write it: at the very host that they asked, whatever we are configured to be.

    Tools refuse to follow us to another host.
    """
    host = str(request.host)
    if is_from_proxy(request):
        host = request.headers.get("x-forwarded-host", host).partition(",")[0].strip()
    return f"{'https' if is_https(request) else 'http'}://{host}{house(request).site.base_path}{path}"
