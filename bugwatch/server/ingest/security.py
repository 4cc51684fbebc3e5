"""`POST /api/<project>/security/` and `/csp-report/`: what browsers report on their own."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import UnknownEncoding
from bugwatch.domain.ids import new_event_id
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.protocol import auth, csp
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import admit, answer, take
from bugwatch.server.ingest.knock import Knock
from bugwatch.server.ingest.request import body_of, knock_of
from bugwatch.server.reply import Reply
from bugwatch.services.house import House
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
        return (await take_reports(house(request), knock_of(request), project_id, body)).for_sanic()


@bp.options("/api/<project_id:int>/security", name="preflight")
@bp.options("/api/<project_id:int>/csp-report", name="csp_preflight")
async def options(request: Request, project_id: int) -> HTTPResponse:
    return preflight(request)


async def take_reports(house: House, knock: Knock, project_id: int, body: bytes) -> Reply:
    """Store what a browser reports and answer."""
    credentials = auth.credentials(knock.headers, knock.query, project_id=project_id, base_url=house.site.url)
    access = await admit(house, credentials)
    content_type = knock.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in TYPES:
        raise UnknownEncoding(f"A report comes as {', '.join(TYPES)}, not as “{content_type[:100]}”.")
    reports = csp.parse(
        body,
        release=knock.query.get("sentry_release", ""),
        environment=knock.query.get("sentry_environment", ""),
        user_agent=knock.headers.get("user-agent", ""),
    )

    def arrival(payload: bytes) -> Arrival:
        return Arrival(
            id=house.ids.next(),
            project_id=access.project.id,
            category=Category.SECURITY,
            item_type="security",
            payload=payload,
            received_at=house.clock(),
            event_id=new_event_id(),
            remote_addr=knock.client_address,
        )

    dropped = [Refusal(arrival(b""), Outcome.FILTERED, "browser_extension") for e in reports.events if e.is_noise]
    dropped += [Refusal(arrival(b""), Outcome.INVALID, "malformed") for _ in range(reports.malformed_count)]
    wanted = [arrival(event.payload) for event in reports.events if not event.is_noise]
    refused = await take(house, access, wanted, dropped)
    reply = answer(knock, "", len(wanted) - len(refused) + len(dropped), refused)
    return Reply(200, b"", reply.headers, "text/plain") if reply.status == 200 else reply
