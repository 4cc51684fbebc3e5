"""`/api/v1/projects`: projects and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty

from bugwatch.domain.account import Verb
from bugwatch.domain.clock import HOUR
from bugwatch.domain.project import ApiKey, Project, ProjectKey
from bugwatch.server.api.body import body_of, query_of
from bugwatch.server.api.operation import Answer, Given, GivenId, Instant, answer, operation
from bugwatch.server.api.paging import PageQuery, cursor_at, place_of
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.services.permissions import organization_for
from bugwatch.services.projects import LONGEST_OVERLAP, OVERLAP
from bugwatch.storage import projects

bp = Blueprint("api_projects", url_prefix="/api/v1/projects")

RateLimit = Annotated[int | None, Field(description="Events a minute; null: as the instance is set; 0: no limit.")]
ScrubKeys = Annotated[list[str], Field(description="Names of fields to scrub, besides the built-in ones.")]
SafeKeys = Annotated[list[str], Field(description="Names of fields never to scrub.")]


class ProjectAnswer(Answer):
    id: int
    organization_id: int
    slug: str
    name: str
    platform: str
    dsn: Annotated[str | None, Field(description="For SDKs: the newest key that is not about to expire.")]
    rate_limit: RateLimit
    scrub_keys: ScrubKeys
    safe_keys: SafeKeys
    created_at: Instant
    first_event_at: Instant | None


class CreatedProject(ProjectAnswer):
    api_key: Annotated[str, Field(description="For `POST /api/v1/events`; shown this once.")]


class ProjectPage(Answer):
    items: list[ProjectAnswer]
    next_cursor: str | None


class NewProject(Given):
    name: str
    platform: str = "other"
    organization_id: Annotated[GivenId | None, Field(description="Needed by those who belong to several.")] = None


class ProjectChange(Given):
    """What is left out stays as it is."""

    name: str = ""
    platform: str = ""
    rate_limit: RateLimit = None
    scrub_keys: ScrubKeys = Field(default_factory=list)
    safe_keys: SafeKeys = Field(default_factory=list)


class KeyAnswer(Answer):
    kind: Literal["dsn", "api"]
    id: int
    label: str
    dsn: Annotated[str | None, Field(description="null for an API key.")]
    public_key: Annotated[str | None, Field(description="null for an API key.")]
    hint: Annotated[str, Field(description="The last four characters.")]
    is_active: Annotated[bool, Field(description="Whether it opens the project now.")]
    created_at: Instant
    expires_at: Annotated[Instant | None, Field(description="Set when it was rotated away.")]
    last_used_at: Instant | None


class KeyList(Answer):
    items: list[KeyAnswer]
    next_cursor: str | None


class Rotation(Given):
    kind: Annotated[Literal["dsn", "api"], Field(description="A DSN for SDKs, or a key for `POST /api/v1/events`.")] = (
        "dsn"
    )
    overlap_hours: Annotated[
        int, Field(ge=0, le=LONGEST_OVERLAP // HOUR, description="How long older keys go on working; 0: not at all.")
    ] = OVERLAP // HOUR


class RotatedKey(KeyAnswer):
    api_key: Annotated[str | None, Field(description="The new API key, shown this once; null for a DSN.")]


@bp.get("/")
@operation(ProjectPage, query=PageQuery)
async def index(request: Request) -> HTTPResponse:
    """The projects that the caller sees, oldest first."""
    asked = query_of(request, PageQuery)
    after = place_of(request, asked.cursor)
    seen = sorted(await house(request).permissions.projects(caller(request)), key=lambda project: project.id)
    rest = [project for project in seen if after is None or project.id > after[0]]
    page = rest[: asked.limit]
    return answer(
        ProjectPage(
            items=await _answers(request, page),
            next_cursor=cursor_at(request, (page[-1].id,)) if len(rest) > len(page) else None,
        )
    )


@bp.post("/")
@operation(CreatedProject, status=201, body=NewProject)
async def create(request: Request) -> HTTPResponse:
    """A new project with a DSN and an API key, which is shown this once."""
    given = body_of(request, NewProject)
    home = organization_for(caller(request), Verb.PROJECT_WRITE, given.organization_id)
    created = await house(request).projects.create(given.name, given.platform, home)
    [shown] = await _answers(request, [created.project])
    return answer(CreatedProject(**dict(shown), api_key=created.api_key), 201)


@bp.get("/<project_id:int>")
@for_project(Verb.PROJECT_READ)
@operation(ProjectAnswer)
async def show(request: Request, project: Project) -> HTTPResponse:
    """One project."""
    [shown] = await _answers(request, [project])
    return answer(shown)


@bp.patch("/<project_id:int>")
@for_project(Verb.PROJECT_WRITE)
@operation(ProjectAnswer, body=ProjectChange)
async def change(request: Request, project: Project) -> HTTPResponse:
    """Change settings. They count from the next event on; the slug stays, since issues are named after it."""
    given = body_of(request, ProjectChange)
    wanted = {name: getattr(given, name) for name in given.model_fields_set}
    for name in wanted.keys() & {"scrub_keys", "safe_keys"}:
        wanted[name] = tuple(wanted[name])
    [shown] = await _answers(request, [await house(request).projects.update(replace(project, **wanted))])
    return answer(shown)


@bp.delete("/<project_id:int>")
@for_project(Verb.PROJECT_ADMIN)
@operation(status=204)
async def delete(request: Request, project: Project) -> HTTPResponse:
    """Delete the project for good: it is gone and its keys are revoked at once, its events go in the background."""
    await house(request).projects.delete(project)
    return empty()


@bp.get("/<project_id:int>/keys")
@for_project(Verb.PROJECT_READ)
@operation(KeyList)
async def keys(request: Request, project: Project) -> HTTPResponse:
    """The project's DSN keys and API keys, newest first, also those that were rotated away. Not paged."""
    async with house(request).db.read() as tx:
        dsn_keys, api_keys, now = await projects.keys(tx, project.id), await projects.api_keys(tx, project.id), tx.now
    items = [*(_dsn_key(request, key, now) for key in dsn_keys), *(_api_key(key, now) for key in api_keys)]
    return answer(KeyList(items=items, next_cursor=None))


@bp.post("/<project_id:int>/keys")
@for_project(Verb.PROJECT_WRITE)
@operation(RotatedKey, status=201, body=Rotation)
async def rotate(request: Request, project: Project) -> HTTPResponse:
    """A new key in the place of the older ones, which go on working for a while."""
    given = body_of(request, Rotation)
    overlap_ms, now = given.overlap_hours * HOUR, house(request).clock()
    if given.kind == "dsn":
        key = await house(request).projects.rotate_key(project, overlap_ms)
        shown, secret = _dsn_key(request, key, now), None
    else:
        api_key, secret = await house(request).projects.rotate_api_key(project, overlap_ms)
        shown = _api_key(api_key, now)
    return answer(RotatedKey(**dict(shown), api_key=secret), 201)


async def _answers(request: Request, found: Sequence[Project]) -> list[ProjectAnswer]:
    async with house(request).db.read() as tx:
        keys = await projects.current_keys(tx, [project.id for project in found])
    return [
        ProjectAnswer(
            id=project.id,
            organization_id=project.organization_id,
            slug=project.slug,
            name=project.name,
            platform=project.platform,
            dsn=house(request).projects.dsn(keys[project.id]) if project.id in keys else None,
            rate_limit=project.rate_limit,
            scrub_keys=list(project.scrub_keys),
            safe_keys=list(project.safe_keys),
            created_at=project.created_at,
            first_event_at=project.first_event_at,
        )
        for project in found
    ]


def _dsn_key(request: Request, key: ProjectKey, now: int) -> KeyAnswer:
    return KeyAnswer(
        kind="dsn",
        id=key.id,
        label=key.label,
        dsn=house(request).projects.dsn(key),
        public_key=key.public_key,
        hint=key.public_key[-4:],
        is_active=key.is_usable(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )


def _api_key(key: ApiKey, now: int) -> KeyAnswer:
    return KeyAnswer(
        kind="api",
        id=key.id,
        label="",
        dsn=None,
        public_key=None,
        hint=key.hint,
        is_active=key.is_usable(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
