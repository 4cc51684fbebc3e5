"""A project's source maps: what was uploaded, and how to upload."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.project import Project
from bugwatch.domain.upload_snippets import upload_snippets
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.server.render import page, redirect, url_for
from bugwatch.storage import artifact_bundles, projects
from bugwatch.templates import gettext as _

bp = Blueprint("source_maps", url_prefix="/projects/<project_id:int>/source-maps")

PAGE = 50


@bp.get("", name="show")
@for_project(Verb.PROJECT_READ)
async def show(request: Request, project: Project) -> HTTPResponse:
    before = _place(request.args.get("before", ""))
    async with house(request).db.read() as tx:
        found = await artifact_bundles.of_project(tx, project.id, PAGE + 1, before)
        homes = {row["id"]: row["slug"] for row in await projects.organizations(tx)}
    bundles, rest = found[:PAGE], found[PAGE:]
    return await page(
        request,
        "projects/source_maps.html",
        project=project,
        tab="source_maps",
        bundles=bundles,
        is_first=before is None,
        older="{}-{}".format(*bundles[-1].place) if rest else None,
        snippets=upload_snippets(house(request).site.url, homes[project.organization_id], project.slug),
        has_path=bool(house(request).site.base_path),
        can_write=caller(request).may(Verb.PROJECT_WRITE, project.organization_id),
    )


@bp.post("/<bundle_id:int>/delete", name="delete")
@for_project(Verb.PROJECT_WRITE)
async def delete(request: Request, project: Project, bundle_id: int) -> HTTPResponse:
    await house(request).artifacts.delete(project, bundle_id)
    return redirect(
        request, url_for(request, "source_maps.show", project_id=project.id), toast=_("The upload is deleted.")
    )


def _place(text: str) -> tuple[int, int] | None:
    at, _dash, bundle_id = text.partition("-")
    if all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (at, bundle_id)):
        return int(at), int(bundle_id)
    return None
