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
from bugwatch.server.api.operation import Answer, operation
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import answer, take
from bugwatch.server.ingest.knock import Knock
from bugwatch.server.ingest.request import body_of, knock_of
from bugwatch.server.reply import Reply
from bugwatch.services.house import House
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
        return (await take_own(house(request), knock_of(request), body)).for_sanic()


@bp.options("/api/v1/events", name="preflight")
async def options(request: Request) -> HTTPResponse:
    return preflight(request)


async def take_own(house: House, knock: Knock, body: bytes) -> Reply:
    """Store one event and answer."""
    access = await admit(house, knock)
    if len(body) > ITEM_BYTES["event"]:
        raise TooLarge(f"The event is too large: at most {ITEM_BYTES['event']:,} bytes are taken.")
    payload = to_sentry(body)
    event_id = event_id_of(payload) or new_event_id()
    arrival = Arrival(
        id=house.ids.next(),
        project_id=access.project.id,
        category=Category.ERROR,
        item_type="event",
        payload=payload,
        received_at=house.clock(),
        event_id=event_id,
        remote_addr=knock.client_address,
    )
    refused = await take(house, access, [arrival])
    if refused and refused[0].outcome is Outcome.INVALID:
        raise Invalid(refused[0].detail)
    is_taken = not refused or refused[0].outcome is not Outcome.LIMITED
    return answer(knock, event_id, int(is_taken), refused, status=202)


async def admit(house: House, knock: Knock) -> Access:
    """What the API key opens, from `X-API-Key` or `Authorization: Bearer`."""
    scheme, _, bearer = knock.headers.get("authorization", "").partition(" ")
    given = knock.headers.get("x-api-key", "") or (bearer if scheme.lower() == "bearer" else "")
    given = given.strip()
    if not given:
        raise Unauthenticated(f"Send the project's API key ({API_KEY_PREFIX}…) as X-API-Key or Authorization: Bearer.")
    access = await house.projects.by_api_key(given)
    if access is None:
        raise Unauthenticated("Nobody here has this API key.")
    if access.project.deleted_at is not None:
        raise Forbidden("This project was deleted.")
    return access
