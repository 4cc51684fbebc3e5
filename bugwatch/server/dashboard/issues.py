"""The pages of issues: the list across all projects that somebody may see, and each issue with its events."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from sanic import Blueprint, HTTPResponse, Request
from sanic.request import RequestParameters

from bugwatch.domain.account import Verb
from bugwatch.domain.batch import LEVELS
from bugwatch.domain.errors import Invalid, NotFound
from bugwatch.domain.issue import Status
from bugwatch.domain.project import Project
from bugwatch.protocol.event_dump import dump
from bugwatch.server.auth import caller
from bugwatch.server.context import house
from bugwatch.server.dashboard.breadcrumbs import SHOWN
from bugwatch.server.dashboard.filters import Filters
from bugwatch.server.dashboard.issue_detail import activity_view, common, event_view, issue_view, tags_view
from bugwatch.server.dashboard.issue_list import PAGE, VERBS, list_view, named, search_of
from bugwatch.server.dashboard.merges import merge_and_return, to_root
from bugwatch.server.dashboard.raw_trace import raw_trace
from bugwatch.server.dashboard.trace_markdown import trace_markdown
from bugwatch.server.dashboard.traces import APP, MODES, frame_of
from bugwatch.server.render import Undo, page, pages_of, redirect, url_for
from bugwatch.storage import event_lists, events, issue_lists, merges, source_links, trends
from bugwatch.storage.database import Reader
from bugwatch.storage.events import StoredEvent
from bugwatch.storage.issue_lists import ListedIssue
from bugwatch.templates import gettext as _

bp = Blueprint("issues")
bp.on_request(to_root, priority=-1)  # after who is asking is known


@bp.get("/", name="home")
async def home(request: Request) -> HTTPResponse:
    return redirect(request, url_for(request, "issues.index"))


@bp.get("/issues", name="index")
async def index(request: Request) -> HTTPResponse:
    filters = Filters.read({name: values[0] for name, values in request.args.items()})
    seen = await house(request).permissions.projects(caller(request), Verb.EVENT_READ)
    chosen = [project for project in seen if filters.project in ("", project.slug)]
    async with house(request).db.read() as tx:
        found = await named(tx, chosen, filters.query)
        if found:
            return redirect(request, url_for(request, "issues.show", issue_id=found.id))
        view = await list_view(tx, request, filters, seen, search_of(filters, chosen, tx.now))
    return await page(request, "issues/list.html", fragment="issues/_fragment.html", filters=filters, view=view)


@bp.post("/issues", name="change")
async def change(request: Request) -> HTTPResponse:
    """Resolve, mute, reopen or merge what was selected, and come back to the same list."""
    form = request.form or RequestParameters()
    filters = Filters.read_query(form.get("back") or "")
    if form.get("do") == "merge":
        back = url_for(request, "issues.index", **filters.changed())
        return await merge_and_return(request, _ids(form.getlist("id", [])), back)
    verb = VERBS.get(form.get("do") or "")
    if verb is None:
        raise Invalid("Choose what to do with the selected issues.", "do")
    changed = await house(request).issues.set_status(caller(request), _ids(form.getlist("id", [])), verb.status)
    return redirect(
        request,
        url_for(request, "issues.index", **filters.changed()),
        toast=verb.done(len(changed)),
        undo=_undo(request, changed, url_for(request, "issues.index", **filters.changed())) if changed else None,
    )


@bp.post("/issues/restore", name="restore")
async def restore(request: Request) -> HTTPResponse:
    """Take a change back: each issue gets the status that it had."""
    form = request.form or RequestParameters()
    for status in Status:
        issue_ids = _ids(form.getlist(status, []))
        if issue_ids:
            await house(request).issues.set_status(caller(request), issue_ids, status)
    return redirect(request, _own(request, form.get("back") or ""), toast=_("Taken back."))


@bp.get("/issues/<issue_id:int>", name="show")
async def show(request: Request, issue_id: int) -> HTTPResponse:
    """The issue with its latest event."""
    project, issue = await _issue(request, issue_id)
    async with house(request).db.read() as tx:
        latest = await events.get(tx, issue.last_event_id)
        if latest is None:  # evicted before others
            latest = next(iter(await events.of_issue(tx, issue_id, 1)), None)
    return await _overview(request, project, issue, latest)


@bp.get("/issues/<issue_id:int>/events/<event_id:str>", name="event")
async def event(request: Request, issue_id: int, event_id: str) -> HTTPResponse:
    """The issue with one of its events."""
    project, issue, stored = await _event(request, issue_id, event_id)
    return await _overview(request, project, issue, stored)


@bp.get("/issues/<issue_id:int>/events/<event_id:str>/json", name="event_json")
async def event_json(request: Request, issue_id: int, event_id: str) -> HTTPResponse:
    """The event in Sentry's schema, as the API gives it."""
    project, _issue_found, stored = await _event(request, issue_id, event_id)
    opened = await house(request).events.open(project, stored)
    body = msgspec.json.format(msgspec.json.encode(dump(opened.event, received_at=stored.received_at)), indent=2)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HTTPResponse(body, headers=headers, content_type="application/json")


@bp.get("/issues/<issue_id:int>/events/<event_id:str>/trace.txt", name="trace_text")
async def trace_text(request: Request, issue_id: int, event_id: str) -> HTTPResponse:
    """The trace as its platform prints it."""
    project, _issue_found, stored = await _event(request, issue_id, event_id)
    opened = await house(request).events.open(project, stored)
    return _plain(raw_trace(opened.event) + "\n")


@bp.get("/issues/<issue_id:int>/events/<event_id:str>/trace.md", name="trace_markdown")
async def trace_md(request: Request, issue_id: int, event_id: str) -> HTTPResponse:
    """The event for a ticket, or for an assistant."""
    project, issue, stored = await _event(request, issue_id, event_id)
    opened = await house(request).events.open(project, stored)
    here = url_for(request, "issues.event", issue_id=issue_id, event_id=event_id)
    site = house(request).site
    facts = (
        ("Issue", project.short_id(issue.number)),
        ("Link", site.url.removesuffix(site.base_path) + here),
        ("In", issue.culprit),
    )
    return _plain(trace_markdown(opened.event, issue.title, facts))


@bp.get("/issues/<issue_id:int>/events/<event_id:str>/frames/<stack:int>/<index:int>", name="frame")
async def frame(request: Request, issue_id: int, event_id: str, stack: int, index: int) -> HTTPResponse:
    """Code and variables of one frame: fetched into the trace, or a page of its own without the script."""
    project, _issue_found, stored = await _event(request, issue_id, event_id)
    opened = await house(request).events.open(project, stored)
    async with house(request).db.read() as tx:
        link = await source_links.of_release(tx, project.id, opened.event.release)
    found = frame_of(opened.event, stack, index, link)
    if found is None:
        raise NotFound("There is no such frame in this event.")
    back = url_for(request, "issues.event", issue_id=issue_id, event_id=event_id)
    return await page(request, "issues/frame.html", fragment="issues/_frame.html", frame=found, back=back)


@bp.get("/issues/<issue_id:int>/events", name="events")
async def events_tab(request: Request, issue_id: int) -> HTTPResponse:
    project, issue = await _issue(request, issue_id)
    before = next(iter(_ids([request.args.get("before") or ""])), None)
    async with house(request).db.read() as tx:
        found = await events.of_issue(tx, issue_id, PAGE + 1, before or 2**62)
        listed = await event_lists.among(tx, [stored.id for stored in found[:PAGE]])
        view = await issue_view(tx, request, project, issue, await trends.tag_count(tx, issue.id))
    address = url_for(request, "issues.events", issue_id=issue_id)
    return await page(
        request,
        "issues/events.html",
        issue=view,
        may_delete=_may_delete(request, project),
        events=listed,
        level_names=LEVELS,
        newest=address if before else None,
        older=f"{address}?before={listed[-1].id}" if len(found) > PAGE else None,
    )


@bp.get("/issues/<issue_id:int>/tags", name="tags")
async def tags_tab(request: Request, issue_id: int) -> HTTPResponse:
    project, issue = await _issue(request, issue_id)
    async with house(request).db.read() as tx:
        tags = await tags_view(tx, issue)
        view = await issue_view(tx, request, project, issue, len(tags))
    return await page(request, "issues/tags.html", issue=view, may_delete=_may_delete(request, project), tags=tags)


@bp.post("/issues/<issue_id:int>", name="act")
async def act(request: Request, issue_id: int) -> HTTPResponse:
    """Resolve, mute or reopen this issue, and come back to it."""
    verb = VERBS.get((request.form or RequestParameters()).get("do") or "")
    if verb is None:
        raise Invalid("Choose what to do with the issue.", "do")
    changed = await house(request).issues.set_status(caller(request), [issue_id], verb.status)
    here = url_for(request, "issues.show", issue_id=issue_id)
    return redirect(
        request, here, toast=verb.done(len(changed)), undo=_undo(request, changed, here) if changed else None
    )


@bp.post("/issues/<issue_id:int>/delete", name="delete")
async def delete(request: Request, issue_id: int) -> HTTPResponse:
    await house(request).issues.delete(caller(request), issue_id)
    return redirect(request, url_for(request, "issues.index"), toast=_("Issue deleted."))


async def _overview(request: Request, project: Project, issue: ListedIssue, stored: StoredEvent | None) -> HTTPResponse:
    opened = await house(request).events.open(project, stored) if stored else None
    async with house(request).db.read() as tx:
        link = await source_links.of_release(tx, project.id, opened.event.release if opened else "")
        tags = await tags_view(tx, issue)
        view = await issue_view(tx, request, project, issue, len(tags))
        older, newer = await _neighbours(tx, request, issue.id, stored) if stored else (None, None)
        activity = await activity_view(tx, project, issue.id)
        merged = await issue_lists.get_merged(tx, stored.issue_id) if stored else None
    return await page(
        request,
        "issues/overview.html",
        issue=view,
        event=event_view(opened, _frames(request), link) if opened else None,
        here=pages_of(request.app).base_path + request.path,
        maps_url=url_for(request, "source_maps.show", project_id=project.id),
        older=older,
        newer=newer,
        tags=common(tags),
        activity=activity,
        member=project.short_id(merged[0].number) if merged else "",
        crumbs_shown=SHOWN,
        may_delete=_may_delete(request, project),
    )


def _frames(request: Request) -> str:
    """How the trace is shown: as the address says, else as it was shown last."""
    chosen = (request.args.get("frames"), request.cookies.get("frames"), APP)
    return next(mode for mode in chosen if mode in MODES)


def _plain(text: str) -> HTTPResponse:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HTTPResponse(text, headers=headers, content_type="text/plain; charset=utf-8")


async def _neighbours(
    tx: Reader, request: Request, issue_id: int, stored: StoredEvent
) -> tuple[str | None, str | None]:
    """The addresses of the next older and the next newer event."""
    beside = await events.neighbours(tx, issue_id, stored.id)
    listed = {event.id: event for event in await event_lists.among(tx, [row_id for row_id in beside if row_id])}
    older, newer = (
        url_for(request, "issues.event", issue_id=issue_id, event_id=listed[row_id].event_id)
        if row_id in listed
        else None
        for row_id in beside
    )
    return older, newer


async def _issue(request: Request, issue_id: int) -> tuple[Project, ListedIssue]:
    """The issue and its project, if the person sees them. Raises NotFound."""
    async with house(request).db.read() as tx:
        issue = await issue_lists.get(tx, issue_id)
    if issue is None:
        raise NotFound("There is no such issue.")
    return await house(request).permissions.project(caller(request), Verb.EVENT_READ, issue.project_id), issue


async def _event(request: Request, issue_id: int, event_id: str) -> tuple[Project, ListedIssue, StoredEvent]:
    """The same with one of its events."""
    project, issue = await _issue(request, issue_id)
    if not is_event_id(event_id):
        raise NotFound("There is no such event in this issue.")
    stored = await house(request).events.find(project, event_id)
    async with house(request).db.read() as tx:
        roots = await merges.roots(tx, [stored.issue_id])
    if roots.get(stored.issue_id) != issue_id:
        raise NotFound("There is no such event in this issue.")
    return project, issue, stored


def _may_delete(request: Request, project: Project) -> bool:
    return caller(request).may(Verb.EVENT_ADMIN, project.organization_id)


def _undo(request: Request, before: dict[int, Status], back: str) -> Undo:
    fields = [(status.value, str(issue_id)) for issue_id, status in before.items()]
    return Undo(url_for(request, "issues.restore"), (("back", back), *fields))


def _own(request: Request, address: str) -> str:
    """The address, if it is one of the issue pages; else the list."""
    index = url_for(request, "issues.index")
    return address if address == index or address.startswith((index + "?", index + "/")) else index


def is_event_id(text: str) -> bool:
    """32 hex digits; hyphens are accepted elsewhere, but our own links have none."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def _ids(given: Sequence[str]) -> list[int]:
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]
