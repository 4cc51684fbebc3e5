"""`/api/v1/projects/<id>/issues`: found, resolved, muted, reopened, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty

from bugwatch.domain.account import Verb
from bugwatch.domain.batch import LEVELS
from bugwatch.domain.errors import NotFound
from bugwatch.domain.event import Level
from bugwatch.domain.issue import Sort, Status
from bugwatch.domain.project import Project
from bugwatch.server.api.body import body_of, query_of
from bugwatch.server.api.operation import Answer, Given, GivenId, GivenInstant, Instant, answer, operation
from bugwatch.server.api.paging import PageQuery, cursor_at, place_of
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.services.issues import AT_ONCE
from bugwatch.storage import issue_lists, tag_values, trends
from bugwatch.storage.database import Reader
from bugwatch.storage.issue_lists import Cursor, ListedIssue, Search

bp = Blueprint("api_issues", url_prefix="/api/v1/projects/<project_id:int>/issues")

TAG_VALUES = 10

StatusField = Annotated[Status, Field(description="`muted` is accepted for `ignored`.")]


class IssueAnswer(Answer):
    id: int
    short_id: Annotated[str, Field(examples=["SHOP-17"])]
    project_id: int
    title: str
    culprit: str
    level: Annotated[Level, Field(description="Of the latest event.")]
    status: Status
    is_regressed: Annotated[bool, Field(description="It was resolved, came back, and nobody has looked at it since.")]
    is_unhandled: Annotated[bool, Field(description="Whether the latest event was an error that nobody caught.")]
    platform: str
    event_count: Annotated[int, Field(description="Ever seen.")]
    stored_count: Annotated[int, Field(description="Of them, those that are still here.")]
    user_count: Annotated[int, Field(description="Distinct users, ever seen.")]
    first_seen_at: Instant
    last_seen_at: Instant
    first_release: str | None
    last_release: str | None
    status_changed_at: Instant
    resolved_at: Instant | None
    merged_into: Annotated[int | None, Field(description="The issue that it was merged into: that has its state.")]
    merged: Annotated[list[int], Field(description="Issues that were merged into it. The numbers above are of all.")]


class IssuePage(Answer):
    items: list[IssueAnswer]
    next_cursor: str | None


class IssueQuery(PageQuery):
    status: StatusField | None = None
    level: Level | None = None
    environment: Annotated[str, Field(description="Seen there at least once.")] = ""
    release: Annotated[str, Field(description="Seen in it at least once.")] = ""
    seen_from: Annotated[GivenInstant | None, Field(alias="from", description="Last seen then or later.")] = None
    seen_to: Annotated[GivenInstant | None, Field(alias="to", description="Last seen then or earlier.")] = None
    query: Annotated[str, Field(description="Part of the title or culprit, or a whole short id.", max_length=200)] = ""
    sort: Annotated[Sort, Field(description="Descending.")] = Sort.LAST_SEEN


class IssueChange(Given):
    status: StatusField


class BulkChange(Given):
    ids: Annotated[list[GivenId], Field(min_length=1, max_length=AT_ONCE)]
    status: StatusField


class ChangedIssue(Answer):
    id: int
    status: Status
    previous_status: Annotated[Status, Field(description="What it takes to undo the change.")]


class Changes(Answer):
    items: Annotated[list[ChangedIssue], Field(description="Those that had another status.")]


class TagValue(Answer):
    value: str
    count: int


class Tag(Answer):
    key: str
    count: Annotated[int, Field(description="Events with any value of it.")]
    value_count: Annotated[int, Field(description="How many different values there are.")]
    values: Annotated[list[TagValue], Field(description=f"The {TAG_VALUES} most frequent ones.")]


class TagList(Answer):
    items: list[Tag]
    next_cursor: str | None


@bp.get("/")
@for_project(Verb.EVENT_READ)
@operation(IssuePage, query=IssueQuery)
async def index(request: Request, project: Project) -> HTTPResponse:
    """The project's issues that fit all filters, page by page."""
    asked = query_of(request, IssueQuery)
    place = place_of(request, asked.cursor, asked.sort)
    async with house(request).db.read() as tx:
        found = await issue_lists.find(
            tx,
            Search(
                project_ids=(project.id,),
                status=asked.status or "",
                level=None if asked.level is None else LEVELS.index(asked.level),
                environment=asked.environment,
                release=asked.release,
                text=asked.query,
                seen_from=asked.seen_from,
                seen_until=None if asked.seen_to is None else asked.seen_to + 1,
            ),
            asked.sort,
            asked.limit + 1,
            after=Cursor(*place) if place else None,
        )
        page = found[: asked.limit]
        items = await _answers(tx, project, page)
    last = page[-1].cursor(asked.sort) if len(found) > len(page) else None
    return answer(
        IssuePage(items=items, next_cursor=cursor_at(request, (last.value, last.id), asked.sort) if last else None)
    )


@bp.patch("/")
@for_project(Verb.EVENT_WRITE)
@operation(Changes, body=BulkChange)
async def change_many(request: Request, project: Project) -> HTTPResponse:
    """Resolve, mute or reopen several issues of the project. Ids that are none of its issues are passed over."""
    given = body_of(request, BulkChange)
    before = await house(request).issues.set_status(caller(request), given.ids, given.status, project.id)
    changed = [ChangedIssue(id=id_, status=given.status, previous_status=status) for id_, status in before.items()]
    return answer(Changes(items=changed))


@bp.get("/<issue_id:int>")
@for_project(Verb.EVENT_READ)
@operation(IssueAnswer)
async def show(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """One issue. One that was merged into another has its own numbers, and the other's state."""
    return answer(await _answer(request, project, issue_id))


@bp.patch("/<issue_id:int>")
@for_project(Verb.EVENT_WRITE)
@operation(IssueAnswer, body=IssueChange)
async def change(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """Resolve, mute or reopen the issue. Seen again, a resolved one reopens by itself; a muted one does not."""
    given = body_of(request, IssueChange)
    await house(request).issues.set_status(caller(request), [issue_id], given.status, project.id)
    return answer(await _answer(request, project, issue_id))


@bp.delete("/<issue_id:int>")
@for_project(Verb.EVENT_ADMIN)
@operation(status=204)
async def delete(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """Delete the issue, what was merged into it, and their events. If it happens again, it begins as a new issue."""
    await house(request).issues.delete(caller(request), issue_id, project.id)
    return empty()


@bp.get("/<issue_id:int>/tags")
@for_project(Verb.EVENT_READ)
@operation(TagList)
async def tags(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """How the issue's events are distributed over the values of their tags, by key. Not paged."""
    async with house(request).db.read() as tx:
        await issue_of(tx, project, issue_id)
        counts = await trends.tags(tx, issue_id, TAG_VALUES)
    found: dict[str, Tag] = {}
    for tag in counts:
        of_key = found.setdefault(tag.key, Tag(key=tag.key, count=tag.total, value_count=tag.value_count, values=[]))
        of_key.values.append(TagValue(value=tag.value, count=tag.count))
    return answer(TagList(items=list(found.values()), next_cursor=None))


async def issue_of(tx: Reader, project: Project, issue_id: int) -> ListedIssue:
    """The project's issue, also one that was merged. Raises NotFound."""
    return (await _issue_and_root(tx, project, issue_id))[0]


async def _issue_and_root(tx: Reader, project: Project, issue_id: int) -> tuple[ListedIssue, int | None]:
    issue = await issue_lists.get(tx, issue_id)
    found = (issue, None) if issue else await issue_lists.get_merged(tx, issue_id)
    if found is None or found[0].project_id != project.id:
        raise NotFound("There is no such issue in this project.")
    return found


async def _answer(request: Request, project: Project, issue_id: int) -> IssueAnswer:
    async with house(request).db.read() as tx:
        issue, root_id = await _issue_and_root(tx, project, issue_id)
        [shown] = await _answers(tx, project, [issue])
    return shown.model_copy(update={"merged_into": root_id})


async def _answers(tx: Reader, project: Project, found: Sequence[ListedIssue]) -> list[IssueAnswer]:
    numbers = {number for issue in found for number in (issue.first_release_id, issue.last_release_id) if number}
    releases = {number: value for number, (_, value) in (await tag_values.named(tx, numbers)).items()}
    return [
        IssueAnswer(
            id=issue.id,
            short_id=project.short_id(issue.number),
            project_id=project.id,
            title=issue.title,
            culprit=issue.culprit,
            level=LEVELS[issue.level],
            status=Status(issue.status),
            is_regressed=issue.is_regressed,
            is_unhandled=issue.is_unhandled,
            platform=issue.platform,
            event_count=issue.event_count,
            stored_count=issue.stored_count,
            user_count=issue.user_count,
            first_seen_at=issue.first_seen_at,
            last_seen_at=issue.last_seen_at,
            first_release=releases.get(issue.first_release_id or 0),
            last_release=releases.get(issue.last_release_id or 0),
            status_changed_at=issue.status_changed_at,
            resolved_at=issue.resolved_at,
            merged_into=None,
            merged=list(issue.members),
        )
        for issue in found
    ]
