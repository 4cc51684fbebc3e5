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
from bugwatch.protocol.encoding import Reserve
from bugwatch.protocol.event_id import event_id_of
from bugwatch.protocol.store_body import is_envelope, unpack
from bugwatch.server.address import client_address
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import admit, answer, body_of, take
from bugwatch.server.ingest.envelope import query_of, take_envelope

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
    response = await take_event(request, project_id, query_of(request).get("sentry_data", "").encode(), lambda _: None)
    if response.status != 200:
        return response
    return HTTPResponse(GIF, content_type="image/gif")


@bp.options("/api/<project_id:int>/store", name="preflight")
async def options(request: Request, project_id: int) -> HTTPResponse:
    return preflight(request, METHODS)


@bp.options("/api/store", name="legacy_preflight")
async def legacy_options(request: Request) -> HTTPResponse:
    return preflight(request, METHODS)


async def _post(request: Request, project_id: int | None) -> HTTPResponse:
    async with body_of(request) as (body, reserve):
        if is_envelope(request.headers.get("content-type")):
            return await take_envelope(request, project_id, body)
        return await take_event(request, project_id, body, reserve)


async def take_event(request: Request, project_id: int | None, body: bytes, reserve: Reserve) -> HTTPResponse:
    """Store one event and answer. Raises Invalid if the body is no JSON."""
    site = house(request).site
    credentials = auth.credentials(request.headers, query_of(request), project_id=project_id, base_url=site.url)
    access = await admit(request, credentials)
    payload = unpack(body, limit=ITEM_BYTES["event"], reserve=reserve)
    event_id = event_id_of(payload) or new_event_id()
    is_feedback = event_payload.kind_of(payload) == "feedback"
    arrival = Arrival(
        id=house(request).ids.next(),
        project_id=access.project.id,
        category=Category.FEEDBACK if is_feedback else Category.ERROR,
        item_type="event",
        payload=payload,
        received_at=house(request).clock(),
        event_id=event_id,
        remote_addr=client_address(request),
    )
    refused = await take(request, access, [arrival])
    if refused and refused[0].outcome is Outcome.INVALID:
        raise Invalid(refused[0].detail)
    return answer(request, event_id, 0 if refused and refused[0].outcome is Outcome.LIMITED else 1, refused)
