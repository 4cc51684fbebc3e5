"""How a project's events are grouped: its rules, what they would do, what they were, and the algorithm under them."""

from __future__ import annotations

from collections.abc import Mapping

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.errors import Conflict, Invalid
from bugwatch.domain.grouping import newest
from bugwatch.domain.grouping_rule import MAX_LENGTH
from bugwatch.domain.project import Project
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.server.forms import number, problems, typed
from bugwatch.server.render import page, redirect, url_for
from bugwatch.services.grouping_rules import Trial
from bugwatch.storage import grouping_rules
from bugwatch.templates import gettext as _

bp = Blueprint("grouping", url_prefix="/projects/<project_id:int>/grouping")

VERSIONS_SHOWN = 10
SHOWN = 20  # of each kind of change that a trial found


@bp.get("/", name="show", strict_slashes=False)
@for_project(Verb.PROJECT_READ)
async def show(request: Request, project: Project) -> HTTPResponse:
    """The rules in force, or with `?version=` those of another time, to be put back."""
    wanted = request.args.get("version") or ""
    rules = project.grouping_rules
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        async with house(request).db.read() as tx:
            rules = await grouping_rules.of_version(tx, project.id, int(wanted)) or ""
    return await _page(request, project, rules)


@bp.post("/", name="change", strict_slashes=False)
@for_project(Verb.PROJECT_WRITE)
async def change(request: Request, project: Project) -> HTTPResponse:
    """Try the rules, or put them in force."""
    rules = typed(request, "rules")
    try:
        if typed(request, "do") == "try":
            return await _page(
                request, project, rules, trial=await house(request).grouping_rules.try_out(project, rules)
            )
        version, who = number(request, "version"), caller(request).account.id
        await house(request).grouping_rules.apply(project, rules, who, version)
    except (Invalid, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 400
        return await _page(request, project, rules, status=status, errors=problems(error))
    return redirect(
        request,
        url_for(request, "grouping.show", project_id=project.id),
        toast=_("The rules are in force for the events that come from now on."),
    )


@bp.post("/move", name="move")
@for_project(Verb.PROJECT_WRITE)
async def move(request: Request, project: Project) -> HTTPResponse:
    """To the newest version of the algorithm."""
    await house(request).grouping_rules.move(project, newest())
    sentence = _("This project groups by version %(version)s now. Its issues go on.", version=newest())
    return redirect(request, url_for(request, "grouping.show", project_id=project.id), toast=sentence)


async def _page(
    request: Request,
    project: Project,
    rules: str,
    *,
    status: int = 200,
    trial: Trial | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTTPResponse:
    async with house(request).db.read() as tx:
        versions = await grouping_rules.history(tx, project.id, VERSIONS_SHOWN)
    return await page(
        request,
        "projects/grouping.html",
        status=status,
        project=project,
        tab="grouping",
        rules=rules,
        trial=trial,
        errors=errors or {},
        versions=versions,
        newest=newest(),
        longest=MAX_LENGTH,
        shown=SHOWN,
        can_write=caller(request).may(Verb.PROJECT_WRITE, project.organization_id),
    )
