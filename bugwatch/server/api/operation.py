"""What an address of the API takes and answers, said beside its handler; `openapi.py` makes the document of it.

@bp.get("/<project_id:int>/issues")
@for_project(Verb.EVENT_READ)
@operation(IssuePage, query=IssueQuery)
async def index(request: Request, project: Project) -> HTTPResponse:
    \"""The project's issues, page by page.\"""
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from msgspec import Struct
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from sanic import HTTPResponse

from bugwatch.domain.clock import to_iso
from bugwatch.protocol.timestamps import instant_of

H = TypeVar("H", bound=Callable[..., Awaitable[HTTPResponse | None]])


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` None: without a body. `media_type` is the answer's. `security` is `bearer` or `api_key`, a project's."""

    answer: type[BaseModel] | None
    status: int
    body: type[BaseModel] | type[Struct] | None
    query: type[BaseModel] | None
    media_type: str
    security: str


def operation(
    answer: type[BaseModel] | None = None,
    *,
    status: int = 200,
    body: type[BaseModel] | type[Struct] | None = None,
    query: type[BaseModel] | None = None,
    media_type: str = "application/json",
    security: str = "bearer",
) -> Callable[[H], H]:
    """Say what the handler below takes and answers. Its docstring says what it does."""

    def describe(handler: H) -> H:
        handler.operation = Operation(answer, status, body, query, media_type, security)  # type: ignore[attr-defined]
        return handler

    return describe


class Given(BaseModel):
    """A body: exactly these fields, exactly these types."""

    # Built when first used: all of them at every start would keep the door shut for longer.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(defer_build=True)


def answer(model: Answer, status: int = 200) -> HTTPResponse:
    return HTTPResponse(model.model_dump_json(), status, content_type="application/json")


def _moment(text: object) -> int:
    # A plus sign that was not escaped arrives as a space.
    instant = instant_of(text[:11] + text[11:].replace(" ", "+")) if isinstance(text, str) else None
    if instant is None:
        raise ValueError("Write an instant as 2026-11-21T14:31:07Z")
    return instant


_ISO = WithJsonSchema({"type": "string", "format": "date-time"})

# A number that a row can have.
GivenId = Annotated[int, Field(ge=1, lt=2**63)]
# ms since 1970 inside, ISO 8601 (UTC) outside.
Instant = Annotated[int, PlainSerializer(to_iso, return_type=str), _ISO]
GivenInstant = Annotated[int, BeforeValidator(_moment), _ISO]
