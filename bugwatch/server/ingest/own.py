"""`POST /api/v1/events`: Bugwatch's own way in, for its SDKs and for `curl`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import Forbidden, Invalid, TooLarge, Unauthenticated
from bugwatch.domain.ids import new_event_id
from bugwatch.domain.limits import ITEM_BYTES
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.protocol.event_id import event_id_of
from bugwatch.protocol.own_event import OwnEvent, to_sentry
from bugwatch.server.address import client_address
from bugwatch.server.api.operation import Answer, operation
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import answer, body_of, take
from bugwatch.services.projects import API_KEY_PREFIX, Access

bp = Blueprint("own_events")


class Accepted(Answer):
    id: Annotated[str, Field(description="Of the event: 32 hex digits.")]


@bp.post("/api/v1/events", stream=True, name="post")
@operation(Accepted, status=202, body=OwnEvent, security="api_key")
async def post(request: Request) -> HTTPResponse:
    """Report an event. Fields that are not listed travel along.

    Frames come as the platform has them: innermost first for JavaScript, crash last for all others. Also with
    `Authorization: Bearer`.
    """
    async with body_of(request) as (body, _):
        access = await admit(request)
        if len(body) > ITEM_BYTES["event"]:
            raise TooLarge(f"The event is too large: at most {ITEM_BYTES['event']:,} bytes are taken.")
        payload = to_sentry(body)
        event_id = event_id_of(payload) or new_event_id()
        arrival = Arrival(
            id=house(request).ids.next(),
            project_id=access.project.id,
            category=Category.ERROR,
            item_type="event",
            payload=payload,
            received_at=house(request).clock(),
            event_id=event_id,
            remote_addr=client_address(request),
        )
        refused = await take(request, access, [arrival])
        if refused and refused[0].outcome is Outcome.INVALID:
            raise Invalid(refused[0].detail)
        is_taken = not refused or refused[0].outcome is not Outcome.LIMITED
        return answer(request, event_id, int(is_taken), refused, status=202)


@bp.options("/api/v1/events", name="preflight")
async def options(request: Request) -> HTTPResponse:
    return preflight(request)


async def admit(request: Request) -> Access:
    """What the API key opens, from `X-API-Key` or `Authorization: Bearer`."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get("x-api-key", "") or (bearer if scheme.lower() == "bearer" else "")
    given = given.strip()
    if not given:
        raise Unauthenticated(f"Send the project's API key ({API_KEY_PREFIX}…) as X-API-Key or Authorization: Bearer.")
    access = await house(request).projects.by_api_key(given)
    if access is None:
        raise Unauthenticated("Nobody here has this API key.")
    if access.project.deleted_at is not None:
        raise Forbidden("This project was deleted.")
    return access
