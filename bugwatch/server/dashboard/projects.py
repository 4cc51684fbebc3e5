"""Projects: the list, how to connect an app, keys, settings, and what became of everything that arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Caller, Member, Verb, may
from bugwatch.domain.clock import DAY, HOUR, hour_of
from bugwatch.domain.errors import Conflict, Forbidden, Invalid
from bugwatch.domain.outcome import Outcome
from bugwatch.domain.project import Project
from bugwatch.domain.sdk_snippets import PLATFORMS, snippet
from bugwatch.domain.source_link import TEMPLATE, SourceLink
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.server.dashboard.charts import Spark, spark
from bugwatch.server.dashboard.rows import hue_of
from bugwatch.server.dashboard.source_links import example, hosts
from bugwatch.server.forms import number, numbers, problems, text, typed
from bugwatch.server.render import page, redirect, url_for
from bugwatch.services.permissions import MAY_NOT
from bugwatch.storage import issue_lists, ledger, projects, source_links, trends
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext

bp = Blueprint("projects", url_prefix="/projects")

# What the ledger page shows, in the order of the sum; the last two stand beside it.
OUTCOMES = (
    Outcome.RECEIVED,
    Outcome.STORED,
    Outcome.DUPLICATE,
    Outcome.FILTERED,
    Outcome.LIMITED,
    Outcome.INVALID,
    "waiting",
    Outcome.REPORTED,
    Outcome.DELETED,
)
SPANS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "all": 0}


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A line of the list."""

    project: Project
    hue: int
    platform: str
    trend: Spark
    day_count: int
    unresolved_count: int
    last_seen_at: int | None


@bp.get("", name="index")
async def index(request: Request) -> HTTPResponse:
    who = caller(request)
    seen = await house(request).permissions.projects(who)
    ids = [project.id for project in seen]
    async with house(request).db.read() as tx:
        start = hour_of(tx.now) - 23 * HOUR
        hours = await trends.by_project(tx, ids, start)
        unresolved = await issue_lists.unresolved(tx, ids)
        last_seen = await trends.last_seen(tx, ids)
    rows = []
    for project in seen:
        counts = [hours.get(project.id, {}).get(start + n * HOUR, 0) for n in range(24)]
        rows.append(
            ProjectRow(
                project=project,
                hue=hue_of(project.id),
                platform=_platform(project.platform),
                trend=spark(counts),
                day_count=sum(counts),
                unresolved_count=unresolved.get(project.id, 0),
                last_seen_at=last_seen.get(project.id),
            )
        )
    return await page(request, "projects/index.html", rows=rows, can_create=bool(_homes(who)))


@bp.get("/new", name="create")
async def create(request: Request) -> HTTPResponse:
    return await _new(request)


@bp.post("", name="store")
async def store(request: Request) -> HTTPResponse:
    homes = _homes(caller(request))
    home = number(request, "organization") or next(iter(homes), 0)
    if home not in homes:
        raise Forbidden(MAY_NOT)
    try:
        made = await house(request).projects.create(text(request, "name"), text(request, "platform") or "other", home)
    except (Invalid, Conflict) as error:
        return await _new(request, status=400, errors=problems(error))
    return await connect(request, made.project, secret=made.api_key)


@bp.get("/<project_id:int>", name="show")
@for_project(Verb.PROJECT_READ)
async def show(request: Request, project: Project) -> HTTPResponse:
    return await connect(request, project)


async def connect(request: Request, project: Project, *, secret: str = "") -> HTTPResponse:
    """How to connect an app, and whether something has arrived yet. `secret` is a new project's API key: it is shown
    on this answer and never again."""
    async with house(request).db.read() as tx:
        keys = await projects.current_keys(tx, [project.id])
    key = keys.get(project.id)
    dsn = house(request).projects.dsn(key) if key else ""
    chosen = request.args.get("platform", project.platform)
    if chosen not in PLATFORMS:
        chosen = "other"
    events_url = f"{house(request).site.url}/api/v1/events"
    return await _tab(
        request,
        project,
        "setup",
        dsn=dsn,
        chosen=chosen,
        platforms=_platforms(),
        snippet=snippet(chosen, dsn, events_url),
        secret=secret,
    )


@bp.get("/<project_id:int>/waiting", name="waiting")
@for_project(Verb.PROJECT_READ)
async def waiting(request: Request, project: Project) -> HTTPResponse:
    """The row that turns green with the first event."""
    return await _tab(request, project, "waiting", fragment="projects/_waiting.html")


@bp.get("/<project_id:int>/keys", name="keys")
@for_project(Verb.PROJECT_READ)
async def keys(request: Request, project: Project) -> HTTPResponse:
    return await _keys(request, project)


@bp.post("/<project_id:int>/keys/rotate", name="rotate_key")
@for_project(Verb.PROJECT_WRITE)
async def rotate_key(request: Request, project: Project) -> HTTPResponse:
    days = number(request, "days", 1)
    await house(request).projects.rotate_key(project, days * DAY)
    sentence = (
        ngettext(
            "There is a new DSN. The old one works for %(num)s more day.",
            "There is a new DSN. The old one works for %(num)s more days.",
            days,
        )
        if days
        else _("There is a new DSN. The old one no longer works.")
    )
    return redirect(request, url_for(request, "projects.keys", project_id=project.id), toast=sentence)


@bp.post("/<project_id:int>/keys/rotate-api-key", name="rotate_api_key")
@for_project(Verb.PROJECT_WRITE)
async def rotate_api_key(request: Request, project: Project) -> HTTPResponse:
    _key, secret = await house(request).projects.rotate_api_key(project, number(request, "days", 1) * DAY)
    return await _keys(request, project, secret=secret)


@bp.get("/<project_id:int>/ledger", name="ledger")
@for_project(Verb.PROJECT_READ)
async def show_ledger(request: Request, project: Project) -> HTTPResponse:
    """received = stored + duplicate + filtered + limited + invalid + waiting, by category."""
    span = request.args.get("span", "7d")
    span = span if span in SPANS else "7d"
    async with house(request).db.read() as tx:
        start = hour_of(tx.now - SPANS[span]) if SPANS[span] else 0
        found = await ledger.by_category(tx, project.id, start)
    rows = [(category, [counts.get(str(outcome), 0) for outcome in OUTCOMES]) for category, counts in found.items()]
    return await _tab(request, project, "ledger", rows=sorted(rows), span=span)


@bp.get("/<project_id:int>/settings", name="settings")
@for_project(Verb.PROJECT_READ)
async def settings(request: Request, project: Project) -> HTTPResponse:
    return await _settings(request, project)


@bp.post("/<project_id:int>/settings", name="update")
@for_project(Verb.PROJECT_WRITE)
async def update(request: Request, project: Project) -> HTTPResponse:
    try:
        changed = replace(
            project,
            name=text(request, "name"),
            platform=text(request, "platform") or project.platform,
            rate_limit=number(request, "rate_limit", -1) if text(request, "rate_limit").strip() else None,
            scrub_keys=_lines(text(request, "scrub_keys")),
            safe_keys=_lines(text(request, "safe_keys")),
        )
        await house(request).projects.update(changed)
    except (Invalid, Conflict) as error:
        given = {name: typed(request, name) for name in _given(project)}
        return await _settings(request, project, status=400, given=given, errors=problems(error))
    return redirect(request, url_for(request, "projects.settings", project_id=project.id), toast=_("Saved."))


@bp.post("/<project_id:int>/members", name="choose_members")
@for_project(Verb.PROJECT_ADMIN)
async def choose_members(request: Request, project: Project) -> HTTPResponse:
    """Who of the organization's members sees the project: everybody, or those who are ticked."""
    chosen = None if text(request, "audience") == "everybody" else numbers(request, "member")
    await house(request).members.set_project_members(caller(request), project.organization_id, project.id, chosen)
    return redirect(request, url_for(request, "projects.settings", project_id=project.id), toast=_("Saved."))


@bp.post("/<project_id:int>/source", name="link_source")
@for_project(Verb.PROJECT_WRITE)
async def link_source(request: Request, project: Project) -> HTTPResponse:
    link = _typed_link(request)
    try:
        await house(request).projects.link_source(project, link)
    except Invalid as error:
        return await _settings(request, project, status=400, link=link, errors=problems(error))
    return redirect(
        request, url_for(request, "projects.settings", project_id=project.id) + "#source", toast=_("Saved.")
    )


@bp.post("/<project_id:int>/source/example", name="source_example")
@for_project(Verb.PROJECT_WRITE)
async def source_example(request: Request, project: Project) -> HTTPResponse:
    """What the links would be with what stands in the form; nothing is stored."""
    return await _settings(request, project, link=_typed_link(request), fragment="projects/_source_example.html")


@bp.post("/<project_id:int>/delete", name="delete")
@for_project(Verb.PROJECT_ADMIN)
async def delete(request: Request, project: Project) -> HTTPResponse:
    if text(request, "slug").strip() != project.slug:
        errors = {"slug": _("Type %(slug)s to delete the project.", slug=project.slug)}
        return await _settings(request, project, status=400, errors=errors)
    await house(request).projects.delete(project)
    return redirect(request, url_for(request, "projects.index"), toast=_("%(name)s is deleted.", name=project.name))


async def _new(request: Request, *, status: int = 200, errors: Mapping[str, str] | None = None) -> HTTPResponse:
    homes = _homes(caller(request))
    if not homes:
        raise Forbidden(MAY_NOT)
    async with house(request).db.read() as tx:
        organizations = [(row["id"], row["name"]) for row in await projects.organizations(tx) if row["id"] in homes]
    return await page(
        request,
        "projects/new.html",
        status=status,
        name=typed(request, "name"),
        platform=typed(request, "platform") or "python",
        organizations=organizations,
        platforms=_platforms(),
        errors=errors or {},
    )


async def _keys(request: Request, project: Project, *, secret: str = "") -> HTTPResponse:
    async with house(request).db.read() as tx:
        dsn_keys, api_keys = await projects.keys(tx, project.id), await projects.api_keys(tx, project.id)
    return await _tab(
        request,
        project,
        "keys",
        keys=[(key, house(request).projects.dsn(key)) for key in dsn_keys if _is_shown(key.expires_at, request)],
        api_keys=[key for key in api_keys if _is_shown(key.expires_at, request)],
        secret=secret,
        can_write=_may(request, Verb.PROJECT_WRITE, project),
    )


async def _settings(
    request: Request,
    project: Project,
    *,
    status: int = 200,
    fragment: str | None = None,
    given: Mapping[str, str] | None = None,
    link: SourceLink | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTTPResponse:
    can_write, can_delete = (_may(request, verb, project) for verb in (Verb.PROJECT_WRITE, Verb.PROJECT_ADMIN))
    if link is None:
        async with house(request).db.read() as tx:
            link = await source_links.get(tx, project.id)
    platforms = _platforms()
    if project.platform not in PLATFORMS:  # the API takes any word
        platforms.append((project.platform, project.platform))
    return await _tab(
        request,
        project,
        "settings",
        status=status,
        fragment=fragment,
        platforms=platforms,
        given=given or _given(project),
        default_limit=house(request).ingest.room.rate_limit,
        errors=errors or {},
        can_write=can_write,
        can_delete=can_delete,
        people=await _people(request, project) if can_delete else None,
        link=link,
        hosts=hosts(),
        example=await example(house(request), project, link) if can_write and link.host else None,
    )


@dataclass(frozen=True, slots=True)
class People:
    """Who sees a project: some always do; of the members, those named, or all."""

    always: list[Member]
    members: list[Member]
    named: set[int]


async def _people(request: Request, project: Project) -> People:
    everybody = await house(request).members.of(caller(request), project.organization_id)
    named = await house(request).members.project_members(caller(request), project)
    always = [member for member in everybody if may(member.role, Verb.PROJECT_WRITE)]
    return People(always, [member for member in everybody if member not in always], set(named))


def _typed_link(request: Request) -> SourceLink:
    host = text(request, "host")
    repository = text(request, "template" if host == TEMPLATE else "repository")
    return SourceLink(host, repository, text(request, "branch"), text(request, "strip"), text(request, "prefix"))


def _given(project: Project) -> dict[str, str]:
    """The settings as the form holds them."""
    return {
        "name": project.name,
        "platform": project.platform,
        "rate_limit": "" if project.rate_limit is None else str(project.rate_limit),
        "scrub_keys": "\n".join(project.scrub_keys),
        "safe_keys": "\n".join(project.safe_keys),
    }


def _lines(given: str) -> tuple[str, ...]:
    return tuple(line for line in given.splitlines() if line.strip())


async def _tab(
    request: Request,
    project: Project,
    tab: str,
    *,
    status: int = 200,
    fragment: str | None = None,
    **context: object,
) -> HTTPResponse:
    return await page(
        request, f"projects/{tab}.html", status=status, fragment=fragment, project=project, tab=tab, **context
    )


def _is_shown(expires_at: int | None, request: Request) -> bool:
    """A key that expired more than a month ago is history."""
    return expires_at is None or expires_at > house(request).clock() - 30 * DAY


def _homes(who: Caller) -> list[int]:
    """The organizations in which the caller may create projects."""
    return [home for home in who.roles if who.may(Verb.PROJECT_WRITE, home)]


def _may(request: Request, verb: Verb, project: Project) -> bool:
    return caller(request).may(verb, project.organization_id)


def _platforms() -> list[tuple[str, str]]:
    return [(platform, _platform(platform)) for platform in PLATFORMS]


def _platform(platform: str) -> str:
    return PLATFORMS.get(platform, platform) or _("Something else")
