"""`/api/v1/projects/<id>/issues/…`: issues that are one bug are merged, and taken apart again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.project import Project
from bugwatch.server.api.body import body_of
from bugwatch.server.api.issues import issue_of
from bugwatch.server.api.operation import Answer, Given, GivenId, Instant, answer, operation
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.services.issues import AT_ONCE
from bugwatch.storage import merges

bp = Blueprint("api_merges", url_prefix="/api/v1/projects/<project_id:int>/issues")

HASHES = 1_000


class Merge(Given):
    ids: Annotated[list[GivenId], Field(min_length=1, max_length=AT_ONCE)]
    into: Annotated[
        GivenId | None,
        Field(
            description="One of them, or another; left out: the one with the most events, an unresolved one if any is."
        ),
    ] = None


class Merged(Answer):
    id: Annotated[int, Field(description="The issue that stands for all of them now.")]
    merged: Annotated[list[int], Field(description="Those that were merged into it by this.")]


class Unmerge(Given):
    ids: Annotated[list[GivenId] | None, Field(max_length=AT_ONCE, description="Which to take out; left out: all.")] = (
        None
    )


class Unmerged(Answer):
    ids: Annotated[list[int], Field(description="Those that stand for themselves now, in the state of the other.")]


class Member(Answer):
    id: int
    short_id: Annotated[str, Field(examples=["SHOP-17"])]
    title: str
    event_count: Annotated[int, Field(description="Its own.")]
    last_seen_at: Instant


class MemberList(Answer):
    items: list[Member]
    next_cursor: str | None


class HashAnswer(Answer):
    hash: str
    issue_id: Annotated[int, Field(description="The issue that it leads to, which may be one that was merged.")]
    version: Annotated[int, Field(description="Of the algorithm.")]
    source: Annotated[str, Field(description="`algorithm`, `fingerprint` (of the SDK) or `rule`.")]
    rule: Annotated[str | None, Field(description="As it was written.")]
    linked_by: Annotated[
        Literal["version", "map"] | None,
        Field(description="It joined the issue of an older hash: of an older version, or without source maps."),
    ]
    is_spent: Annotated[bool, Field(description="It was made without source maps, and has led to the better one.")]
    added_at: Annotated[Instant | None, Field(description="null: before this was noted.")]


class HashList(Answer):
    items: list[HashAnswer]
    next_cursor: str | None


@bp.post("/merge")
@for_project(Verb.EVENT_WRITE)
@operation(Merged, body=Merge)
async def merge(request: Request, project: Project) -> HTTPResponse:
    """Merge issues of the project. Each keeps its events and numbers; one stands for all of them."""
    given = body_of(request, Merge)
    done = await house(request).merging.merge(caller(request), given.ids, given.into, project.id)
    return answer(Merged(id=done.root_id, merged=done.moved))


@bp.post("/<issue_id:int>/unmerge")
@for_project(Verb.EVENT_WRITE)
@operation(Unmerged, body=Unmerge)
async def unmerge(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """Take issues out that were merged into this one. Each has again what is its own."""
    given = body_of(request, Unmerge)
    return answer(Unmerged(ids=await house(request).merging.unmerge(caller(request), issue_id, given.ids, project.id)))


@bp.get("/<issue_id:int>/merged")
@for_project(Verb.EVENT_READ)
@operation(MemberList)
async def members(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """The issues that were merged into this one. Not paged."""
    async with house(request).db.read() as tx:
        await issue_of(tx, project, issue_id)
        found = await merges.members(tx, issue_id)
    items = [
        Member(
            id=member.id,
            short_id=project.short_id(member.number),
            title=member.title,
            event_count=member.event_count,
            last_seen_at=member.last_seen_at,
        )
        for member in found
    ]
    return answer(MemberList(items=items, next_cursor=None))


@bp.get("/<issue_id:int>/hashes")
@for_project(Verb.EVENT_READ)
@operation(HashList)
async def hashes(request: Request, project: Project, issue_id: int) -> HTTPResponse:
    """What leads events to this issue and those that were merged into it, newest first. Not paged."""
    async with house(request).db.read() as tx:
        await issue_of(tx, project, issue_id)
        found = await merges.hashes(tx, issue_id, HASHES)
    items = [
        HashAnswer(
            hash=one.hash,
            issue_id=one.issue_id,
            version=one.version,
            source=one.source,
            rule=one.rule or None,
            linked_by=one.linked_by or None,
            is_spent=one.is_spent,
            added_at=one.added_at or None,
        )
        for one in found
    ]
    return answer(HashList(items=items, next_cursor=None))
