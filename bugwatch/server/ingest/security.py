"""`POST /api/<project>/security/` and `/csp-report/`: what browsers report on their own."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import UnknownEncoding
from bugwatch.domain.ids import new_event_id
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.protocol import auth, csp
from bugwatch.server.address import client_address
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import admit, answer, body_of, take
from bugwatch.server.ingest.envelope import query_of
from bugwatch.services.ingest import Refusal

bp = Blueprint("security")

TYPES = (
    "application/csp-report",
    "application/expect-ct-report+json",
    "application/json",
    "application/reports+json",
)


@bp.post("/api/<project_id:int>/security", stream=True, name="post")
@bp.post("/api/<project_id:int>/csp-report", stream=True, name="csp")
async def post(request: Request, project_id: int) -> HTTPResponse:
    """200 without a body; 415 for what no browser sends."""
    async with body_of(request) as (body, _):
        query = query_of(request)
        credentials = auth.credentials(request.headers, query, project_id=project_id, base_url=house(request).site.url)
        access = await admit(request, credentials)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in TYPES:
            raise UnknownEncoding(f"A report comes as {', '.join(TYPES)}, not as “{content_type[:100]}”.")
        reports = csp.parse(
            body,
            release=query.get("sentry_release", ""),
            environment=query.get("sentry_environment", ""),
            user_agent=request.headers.get("user-agent", ""),
        )

        def arrival(payload: bytes) -> Arrival:
            return Arrival(
                id=house(request).ids.next(),
                project_id=access.project.id,
                category=Category.SECURITY,
                item_type="security",
                payload=payload,
                received_at=house(request).clock(),
                event_id=new_event_id(),
                remote_addr=client_address(request),
            )

        dropped = [Refusal(arrival(b""), Outcome.FILTERED, "browser_extension") for e in reports.events if e.is_noise]
        dropped += [Refusal(arrival(b""), Outcome.INVALID, "malformed") for _ in range(reports.malformed_count)]
        wanted = [arrival(event.payload) for event in reports.events if not event.is_noise]
        refused = await take(request, access, wanted, dropped)
        response = answer(request, "", len(wanted) - len(refused) + len(dropped), refused)
        if response.status == 200:
            return HTTPResponse(status=200, headers=dict(response.headers), content_type="text/plain")
        return response


@bp.options("/api/<project_id:int>/security", name="preflight")
@bp.options("/api/<project_id:int>/csp-report", name="csp_preflight")
async def options(request: Request, project_id: int) -> HTTPResponse:
    return preflight(request)
