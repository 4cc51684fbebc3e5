"""`POST /api/<project>/store/`: one event, as SDKs of before 2020 and Go send it."""

from __future__ import annotations

import base64

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import Invalid
from bugwatch.domain.ids import new_event_id
from bugwatch.domain.limits import ITEM_BYTES
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.protocol import auth, event_payload
from bugwatch.protocol.encoding import Reserve, freely
from bugwatch.protocol.event_id import event_id_of
from bugwatch.protocol.store_body import is_envelope, unpack
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import admit, answer, take
from bugwatch.server.ingest.envelope import take_envelope
from bugwatch.server.ingest.knock import Knock
from bugwatch.server.ingest.request import body_of, knock_of
from bugwatch.server.reply import Reply
from bugwatch.services.house import House

bp = Blueprint("store")

GIF = base64.b64decode("R0lGODlhAQABAID/AMDAwAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
METHODS = "GET, POST, OPTIONS"


@bp.post("/api/<project_id:int>/store", stream=True, name="post")
async def post(request: Request, project_id: int) -> HTTPResponse:
    return await _post(request, project_id)


@bp.post("/api/store", stream=True, name="legacy_post")
async def legacy_post(request: Request) -> HTTPResponse:
    """Without a project in the path: the key tells it."""
    return await _post(request, None)


@bp.get("/api/<project_id:int>/store", name="get")
async def get(request: Request, project_id: int) -> HTTPResponse:
    """An event in the query, for places that can only fetch images."""
    knock = knock_of(request)
    reply = await take_event(house(request), knock, project_id, knock.query.get("sentry_data", "").encode(), freely)
    return HTTPResponse(GIF, content_type="image/gif") if reply.status == 200 else reply.for_sanic()


@bp.options("/api/<project_id:int>/store", name="preflight")
async def options(request: Request, project_id: int) -> HTTPResponse:
    return preflight(request, METHODS)


@bp.options("/api/store", name="legacy_preflight")
async def legacy_options(request: Request) -> HTTPResponse:
    return preflight(request, METHODS)


async def _post(request: Request, project_id: int | None) -> HTTPResponse:
    async with body_of(request) as (body, reserve):
        knock = knock_of(request)
        if is_envelope(knock.headers.get("content-type")):
            return (await take_envelope(house(request), knock, project_id, body)).for_sanic()
        return (await take_event(house(request), knock, project_id, body, reserve)).for_sanic()


async def take_event(house: House, knock: Knock, project_id: int | None, body: bytes, reserve: Reserve) -> Reply:
    """Store one event and answer. Raises Invalid if the body is no JSON."""
    credentials = auth.credentials(knock.headers, knock.query, project_id=project_id, base_url=house.site.url)
    access = await admit(house, credentials)
    payload = unpack(body, limit=ITEM_BYTES["event"], reserve=reserve)
    event_id = event_id_of(payload) or new_event_id()
    is_feedback = event_payload.kind_of(payload) == "feedback"
    arrival = Arrival(
        id=house.ids.next(),
        project_id=access.project.id,
        category=Category.FEEDBACK if is_feedback else Category.ERROR,
        item_type="event",
        payload=payload,
        received_at=house.clock(),
        event_id=event_id,
        remote_addr=knock.client_address,
    )
    refused = await take(house, access, [arrival])
    if refused and refused[0].outcome is Outcome.INVALID:
        raise Invalid(refused[0].detail)
    return answer(knock, event_id, 0 if refused and refused[0].outcome is Outcome.LIMITED else 1, refused)
