"""What stands beside every page of somebody who is signed in: their projects, with what is unresolved in each,
and on top what everybody should know now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sanic import Request

from bugwatch.domain.account import Caller, Verb
from bugwatch.domain.project import Project
from bugwatch.server.context import house
from bugwatch.server.dashboard.rows import hue_of
from bugwatch.server.dashboard.status import Notice, notices
from bugwatch.storage import issue_lists, projects
from bugwatch.storage.database import Reader


@dataclass(frozen=True, slots=True)
class ProjectLink:
    name: str
    slug: str
    hue: int
    unresolved_count: int


@dataclass(frozen=True, slots=True)
class Sidebar:
    organization: str
    projects: tuple[ProjectLink, ...]
    may_create: bool  # a project
    notices: tuple[Notice, ...]

    @property
    def unresolved_count(self) -> int:
        return sum(project.unresolved_count for project in self.projects)


async def sidebar(request: Request) -> Sidebar:
    """Of the person who is signed in."""
    caller: Caller = request.ctx.session.caller
    seen = await house(request).permissions.projects(caller)
    async with house(request).db.read() as tx:
        counts = await issue_lists.unresolved(tx, [project.id for project in seen])
        name = await _organization(tx, caller)
        known = await notices(tx, house(request).ingest, _run_by(caller, seen))
    links = (ProjectLink(p.name, p.slug, hue_of(p.id), counts.get(p.id, 0)) for p in seen)
    may_create = any(caller.may(Verb.PROJECT_WRITE, home) for home in caller.roles)
    return Sidebar(name, tuple(links), may_create, known)


def _run_by(caller: Caller, seen: Sequence[Project]) -> list[int]:
    """Those of the projects whose organization the caller runs, as an owner or an admin."""
    return [project.id for project in seen if caller.may(Verb.PROJECT_WRITE, project.organization_id)]


async def _organization(tx: Reader, caller: Caller) -> str:
    """The name of the first one that they belong to."""
    names = {row["id"]: row["name"] for row in await projects.organizations(tx)}
    return next((names[home] for home in caller.roles if home in names), "Bugwatch")
