"""Merging issues from the list and from an issue's own page, taking them apart, and what leads events to an issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.batch import LEVELS
from bugwatch.domain.errors import BugwatchError, Invalid, NotFound
from bugwatch.domain.project import Project
from bugwatch.server.auth import caller
from bugwatch.server.context import house
from bugwatch.server.dashboard.issue_detail import issue_view
from bugwatch.server.forms import number, text
from bugwatch.server.render import Undo, page, redirect, url_for
from bugwatch.storage import issue_lists, merges, trends
from bugwatch.storage.issue_lists import ListedIssue
from bugwatch.storage.merges import Hash
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext

bp = Blueprint("merges", url_prefix="/issues")

HASHES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class MemberRow:
    id: int
    short_id: str
    title: str
    level: str
    event_count: int
    last_seen_at: int


@dataclass(frozen=True, slots=True)
class HashRow:
    """`how` says in a sentence what made the hash and how it came here; `owner` is the issue that it leads to."""

    hash: str
    how: str
    rule: str
    version: int
    owner: str
    added_at: int


async def to_root(request: Request) -> HTTPResponse | None:
    """Runs before the pages of an issue: who asks for one that was merged is sent to the same page of its root."""
    issue_id = request.match_info.get("issue_id")
    if request.method != "GET" or not isinstance(issue_id, int):
        return None
    async with house(request).db.read() as tx:
        merged = await issue_lists.get_merged(tx, issue_id)
    if merged is None:
        return None
    issue, root_id = merged
    await house(request).permissions.project(caller(request), Verb.EVENT_READ, issue.project_id)
    below = request.path.partition(f"/issues/{issue_id}")[2]
    query = f"?{request.query_string}" if request.query_string else ""
    return redirect(request, url_for(request, "issues.show", issue_id=root_id) + below + query)


bp.on_request(to_root, priority=-1)  # after who is asking is known


async def merge_and_return(
    request: Request, issue_ids: Sequence[int], back: str, into: int | None = None
) -> HTTPResponse:
    """Merge issues and go `back`, with a sentence and the way to undo it."""
    done = await house(request).merging.merge(caller(request), issue_ids, into)
    sentence = ngettext("%(num)s issue merged.", "%(num)s issues merged.", len(done.moved))
    fields = (("root", str(done.root_id)), ("undo", str(done.undo_id)), ("back", back))
    return redirect(request, back, toast=sentence, undo=Undo(url_for(request, "merges.undo"), fields))


@bp.get("/<issue_id:int>/grouping", name="show")
async def show(request: Request, issue_id: int) -> HTTPResponse:
    """What was merged into the issue, and what leads events here."""
    return await _page(request, issue_id)


@bp.post("/<issue_id:int>/merge", name="merge")
async def merge(request: Request, issue_id: int) -> HTTPResponse:
    """Merge the issue that is named by its short id into this one."""
    project, _issue_found = await _issue(request, issue_id)
    named = text(request, "short_id").strip()
    try:
        other = await _named(request, project, named)
        if other.id == issue_id:
            raise Invalid(_("That is this issue."))
        return await merge_and_return(request, [other.id], url_for(request, "merges.show", issue_id=issue_id), issue_id)
    except (Invalid, NotFound) as error:
        return await _page(request, issue_id, status=400, named=named, error=error)


@bp.post("/<issue_id:int>/unmerge", name="unmerge")
async def unmerge(request: Request, issue_id: int) -> HTTPResponse:
    """Take one issue out of this one, or all."""
    one = number(request, "id")
    freed = await house(request).merging.unmerge(caller(request), issue_id, [one] if one else None)
    return redirect(
        request,
        url_for(request, "merges.show", issue_id=issue_id),
        toast=ngettext(
            "%(num)s issue stands for itself again.", "%(num)s issues stand for themselves again.", len(freed)
        ),
    )


@bp.post("/unmerge", name="undo")
async def undo(request: Request) -> HTTPResponse:
    """Take a merge back."""
    await house(request).merging.undo(caller(request), number(request, "root"), number(request, "undo"))
    back, index = text(request, "back"), url_for(request, "issues.index")
    is_ours = back == index or back.startswith((index + "?", index + "/"))
    return redirect(request, back if is_ours else index, toast=_("Taken back."))


async def _page(
    request: Request, issue_id: int, *, status: int = 200, named: str = "", error: BugwatchError | None = None
) -> HTTPResponse:
    project, issue = await _issue(request, issue_id)
    async with house(request).db.read() as tx:
        members = await merges.members(tx, issue_id)
        hashes = await merges.hashes(tx, issue_id, HASHES_SHOWN + 1)
        view = await issue_view(tx, request, project, issue, await trends.tag_count(tx, issue.id))
    numbers = {issue_id: issue.number, **{member.id: member.number for member in members}}
    return await page(
        request,
        "issues/grouping.html",
        status=status,
        issue=view,
        members=[
            MemberRow(m.id, project.short_id(m.number), m.title, LEVELS[m.level].value, m.event_count, m.last_seen_at)
            for m in members
        ],
        hashes=[_row(one, project.short_id(numbers[one.issue_id])) for one in hashes[:HASHES_SHOWN]],
        has_more=len(hashes) > HASHES_SHOWN,
        named=named,
        error=str(error or ""),
        may_merge=caller(request).may(Verb.EVENT_WRITE, project.organization_id),
        may_delete=caller(request).may(Verb.EVENT_ADMIN, project.organization_id),
    )


def _row(one: Hash, owner: str) -> HashRow:
    how = {
        "algorithm": _("What the event says"),
        "fingerprint": _("The fingerprint that the SDK sent"),
        "rule": _("A rule of the project"),
    }[one.source]
    linked = {
        "version": _("joined by what an older version of grouping knew it by"),
        "map": _("joined when its source map had arrived"),
    }.get(one.linked_by)
    if one.is_spent:
        linked = _("without source maps; a better one has taken its place")
    return HashRow(
        hash=one.hash,
        how=f"{how}, {linked}" if linked else how,
        rule=one.rule,
        version=one.version,
        owner=owner,
        added_at=one.added_at,
    )


async def _named(request: Request, project: Project, short_id: str) -> ListedIssue:
    """The project's issue with that short id, or that number alone. Raises Invalid."""
    slug, _dash, digits = short_id.rpartition("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
    found = None
    if is_number and slug.lower() in ("", project.slug):
        async with house(request).db.read() as tx:
            found = await issue_lists.by_number(tx, project.id, int(digits))
    if found is None:
        raise Invalid(
            _("There is no such issue in this project. Issues are named like %(name)s.", name=project.short_id(1))
        )
    return found


async def _issue(request: Request, issue_id: int) -> tuple[Project, ListedIssue]:
    async with house(request).db.read() as tx:
        issue = await issue_lists.get(tx, issue_id)
    if issue is None:
        raise NotFound("There is no such issue.")
    return await house(request).permissions.project(caller(request), Verb.EVENT_READ, issue.project_id), issue
