"""`/api/v1/projects/<id>/…/events`: what was reported, in lists and in full, with the files that came along."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from pydantic import ConfigDict, Field
from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.errors import NotFound
from bugwatch.domain.event import Level, User
from bugwatch.domain.grouping import source_of
from bugwatch.domain.ids import clean_event_id
from bugwatch.domain.project import Project
from bugwatch.protocol.event_dump import dump
from bugwatch.server.api.body import query_of
from bugwatch.server.api.issues import issue_of
from bugwatch.server.api.operation import Answer, Instant, answer, operation
from bugwatch.server.api.paging import PageQuery, cursor_at, place_of
from bugwatch.server.auth import for_project
from bugwatch.server.context import house
from bugwatch.services.events import Glance, Opened
from bugwatch.storage import contents, events
from bugwatch.storage.attachments import Attachment
from bugwatch.storage.events import StoredEvent

bp = Blueprint("api_events", url_prefix="/api/v1/projects/<project_id:int>")

EventId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class ListedEvent(Answer):
    event_id: EventId
    issue_id: int
    timestamp: Annotated[Instant, Field(description="When it happened.")]
    received_at: Instant
    title: Annotated[str, Field(description="Its own; the issue's is that of the first event.")]
    level: Level
    release: str | None
    environment: str
    user: Annotated[dict[str, str] | None, Field(description="id, email, username, name, ip_address: what is known.")]


class EventPage(Answer):
    items: list[ListedEvent]
    next_cursor: str | None


class GroupingComponent(Answer):
    name: str
    value: str
    contributes: Annotated[bool, Field(description="Whether it counted.")]
    reason: Annotated[str, Field(description="Why, or why not; may be empty.")]


class GroupingAnswer(Answer):
    """Why the event is in its issue, by today's rules."""

    version: Annotated[int, Field(description="Of the algorithm.")]
    reason: str
    components: list[GroupingComponent]
    source: Annotated[
        Literal["algorithm", "fingerprint", "rule"],
        Field(description="Who decided: Bugwatch, the SDK's fingerprint, or a rule of the project."),
    ]
    rule: Annotated[str | None, Field(description="The rule that decided, as it is written.")]
    hash: Annotated[
        str | None, Field(description="By which its issue is known; null if such an event would begin one.")
    ]
    linked_by: Annotated[
        Literal["version", "map"] | None,
        Field(description="The hash joined the issue of an older one: of an older version, or without source maps."),
    ]
    leads_here: Annotated[
        bool, Field(description="Whether the next such event would join this issue. If not, rules have changed since.")
    ]


class EventAnswer(Answer):
    """An event in Sentry's schema, normalized: exceptions oldest cause first, frames crash last. What an event does not
    say is left out.

    Frames of minified JavaScript come as their source maps say. Each frame that a map could help has `symbolication`:
    its `status` is `mapped`, `source_missing` (mapped, without code) or why it is not; `raw` is the frame as sent."""

    model_config = ConfigDict(extra="allow")

    event_id: EventId
    issue_id: int
    type: str
    timestamp: Annotated[Instant, Field(description="When it happened.")]
    received: Instant
    platform: str
    level: Level
    environment: str
    tags: dict[str, str]
    grouping: GroupingAnswer


class AttachmentAnswer(Answer):
    id: int
    name: str
    content_type: Annotated[str, Field(description="As its sender said.")]
    attachment_type: str
    size: Annotated[int, Field(description="In bytes.")]


class AttachmentList(Answer):
    items: list[AttachmentAnswer]
    next_cursor: str | None


@bp.get("/issues/<issue_id:int>/events")
@for_project(Verb.EVENT_READ)
@operation(EventPage, query=PageQuery)
async def of_issue(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """The issue's events that are still stored, newest first."""
    asked = query_of(request, PageQuery)
    place = place_of(request, asked.cursor)
    async with house(request).db.read() as tx:
        await issue_of(tx, project, issue_id)
        found = await events.of_issue(tx, issue_id, asked.limit + 1, *(place or ()))
    page = [await house(request).events.glance(project, stored) for stored in found[: asked.limit]]
    return answer(
        EventPage(
            items=[_listed(glance) for glance in page],
            next_cursor=cursor_at(request, (page[-1].stored.id,)) if len(found) > len(page) else None,
        )
    )


@bp.get("/events/<event_id:str>")
@for_project(Verb.EVENT_READ)
@operation(EventAnswer)
async def show(request: Request, project: Project, event_id: str) -> HTTPResponse:
    """One event in full."""
    stored = await _stored(request, project, event_id)
    opened = await house(request).events.open(project, stored)
    body = dump(opened.event, received_at=stored.received_at) | {
        "issue_id": stored.issue_id,
        "grouping": _grouping(opened).model_dump(),
    }
    return HTTPResponse(msgspec.json.encode(body), content_type="application/json")


@bp.get("/events/<event_id:str>/attachments")
@for_project(Verb.EVENT_READ)
@operation(AttachmentList)
async def files(request: Request, project: Project, event_id: str) -> HTTPResponse:
    """The files that came with an event. Not paged: they are few."""
    found = await house(request).events.attachments(project, await _stored(request, project, event_id))
    items = [
        AttachmentAnswer(
            id=file.id,
            name=file.name,
            content_type=file.content_type,
            attachment_type=file.attachment_type,
            size=file.size,
        )
        for file in found
    ]
    return answer(AttachmentList(items=items, next_cursor=None))


@bp.get("/events/<event_id:str>/attachments/<attachment_id:int>")
@for_project(Verb.EVENT_READ)
@operation(media_type="application/octet-stream")
async def download(request: Request, project: Project, event_id: str, attachment_id: int) -> None:
    """The content of a file, to be saved. It is a stranger's: no browser is to open or to guess at it."""
    for file in await house(request).events.attachments(project, await _stored(request, project, event_id)):
        if file.id == attachment_id:
            await _send(request, file)
            return
    raise NotFound("This event has no such attachment.")


async def _send(request: Request, file: Attachment) -> None:
    response = await request.respond(
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name or 'attachment', safe='')}",
            "Content-Length": str(file.size),
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
        },
        content_type="application/octet-stream",
    )
    for number in range(-(-file.size // contents.CHUNK)):
        async with house(request).db.read() as tx:
            await response.send(await contents.chunk(tx, file.sha256, number))
    await response.eof()


async def _stored(request: Request, project: Project, event_id: str) -> StoredEvent:
    """The project's event, unless its issue was deleted. Raises NotFound."""
    digits = clean_event_id(event_id)
    if digits is None:
        raise NotFound("An event id is 32 hex digits.")
    stored = await house(request).events.find(project, digits)
    async with house(request).db.read() as tx:
        await issue_of(tx, project, stored.issue_id)
    return stored


def _listed(glance: Glance) -> ListedEvent:
    stored, event = glance.stored, glance.event
    return ListedEvent(
        event_id=stored.event_id,
        issue_id=stored.issue_id,
        timestamp=stored.happened_at,
        received_at=stored.received_at,
        title=glance.title,
        level=event.level,
        release=event.release or None,
        environment=event.environment,
        user=_user(event.user),
    )


def _user(user: User | None) -> dict[str, str] | None:
    named = user and {name: getattr(user, name) for name in ("id", "email", "username", "name", "ip_address")}
    return {name: value for name, value in named.items() if value} if named else None


def _grouping(opened: Opened) -> GroupingAnswer:
    grouping, place = opened.grouping, opened.place
    source, rule = source_of(grouping)
    return GroupingAnswer(
        version=grouping.version,
        reason=grouping.reason,
        components=[
            GroupingComponent(name=part.name, value=part.value, contributes=part.contributes, reason=part.reason)
            for part in grouping.components
        ],
        source=source,
        rule=rule or None,
        hash=place.hash if place else None,
        linked_by=place.linked_by or None if place else None,
        leads_here=opened.leads_here,
    )
