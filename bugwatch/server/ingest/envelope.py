"""`POST /api/<project>/envelope/`: what every current SDK sends."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.batch import Arrival
from bugwatch.domain.clock import hour_of
from bugwatch.domain.errors import Invalid
from bugwatch.domain.ids import new_event_id
from bugwatch.domain.outcome import Booking, Category, Outcome
from bugwatch.protocol import auth, client_report, csp, event_payload
from bugwatch.protocol import envelope as framing
from bugwatch.protocol.categories import category_of, refusal_of, to_switch_off
from bugwatch.protocol.envelope import EVENT_LIKE, Envelope, Item
from bugwatch.protocol.event_id import event_id_of
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import preflight
from bugwatch.server.ingest.door import admit, answer, take
from bugwatch.server.ingest.knock import Knock
from bugwatch.server.ingest.request import body_of, knock_of
from bugwatch.server.reply import Reply
from bugwatch.services.house import House
from bugwatch.services.ingest import Refusal
from bugwatch.services.projects import Access
from bugwatch.storage import ledger

bp = Blueprint("envelope")


@bp.post("/api/<project_id:int>/envelope", stream=True, name="post")
async def post(request: Request, project_id: int) -> HTTPResponse:
    async with body_of(request) as (body, _):
        return (await take_envelope(house(request), knock_of(request), project_id, body)).for_sanic()


@bp.options("/api/<project_id:int>/envelope", name="preflight")
async def options(request: Request, project_id: int) -> HTTPResponse:
    return preflight(request)


async def take_envelope(house: House, knock: Knock, project_id: int | None, body: bytes) -> Reply:
    """Store what an envelope holds and answer."""
    envelope = framing.parse(body, house.limits)
    credentials = auth.credentials(
        knock.headers,
        knock.query,
        envelope_dsn=envelope.header.dsn or None,
        project_id=project_id,
        base_url=house.site.url,
    )
    access = await admit(house, credentials)
    sorted_ = sort(envelope, access, house, knock.client_address)
    for report in sorted_.reports:
        house.ingest.report(report)
    refused = await take(house, access, sorted_.arrivals, sorted_.dropped)
    return answer(
        knock,
        sorted_.event_id,
        len(sorted_.arrivals) - len(refused) + len(sorted_.dropped),
        refused,
        to_switch_off(refusal.arrival.item_type for refusal in sorted_.dropped),
    )


@dataclass(slots=True)
class Sorted:
    """The items of an envelope: those to store, those to book only, and what the SDK says that it dropped."""

    event_id: str
    arrivals: list[Arrival] = field(default_factory=list)
    dropped: list[Refusal] = field(default_factory=list)
    reports: list[Counter[Booking]] = field(default_factory=list)


def sort(envelope: Envelope, access: Access, house: House, remote_addr: str) -> Sorted:
    now = house.clock()
    event_id = event_id_in(envelope)
    found = Sorted(event_id)

    def arrival(item_type: str, category: Category, payload: bytes = b"", item: Item | None = None) -> Arrival:
        return Arrival(
            id=house.ids.next(),
            project_id=access.project.id,
            category=category,
            item_type=item_type,
            payload=payload,
            received_at=now,
            event_id=event_id,
            sent_at=envelope.header.sent_at,
            remote_addr=remote_addr,
            filename=item.filename if item else "",
            content_type=item.content_type if item else "",
            attachment_type=item.attachment_type if item else "",
        )

    for item in envelope.items:
        reason = refusal_of(item.type)
        category = category_of(item.type)
        if reason:
            found.dropped.append(Refusal(arrival(item.type[:64], category), Outcome.FILTERED, reason))
        elif item.type == "client_report":
            found.reports.append(reported(item, access.project.id, now))
        elif category is Category.SECURITY:
            for payload, is_noise in violations(item):
                if is_noise:
                    found.dropped.append(Refusal(arrival("security", category), Outcome.FILTERED, "browser_extension"))
                else:
                    found.arrivals.append(arrival("security", category, payload))
        else:
            payload = item.payload
            if item.type == "event" and is_feedback(payload):
                category = Category.FEEDBACK
            found.arrivals.append(arrival(item.type, category, payload, item))
    for loss in envelope.losses:
        found.dropped.append(Refusal(arrival(loss.type[:64], category_of(loss.type)), Outcome.INVALID, loss.reason))
    return found


def event_id_in(envelope: Envelope) -> str:
    """The header's, else the payload's, else a new one; empty if no item needs one."""
    if envelope.header.event_id:
        return envelope.header.event_id
    for item in envelope.items:
        if item.type in EVENT_LIKE:
            return event_id_of(item.payload) or new_event_id()
    return new_event_id() if any(item.type == "attachment" for item in envelope.items) else ""


# How Python and JavaScript begin what is no feedback: to look through all of it takes 9 µs (measured).
_ERROR = re.compile(rb'\s*\{\s*(?:"level":\s*"\w+",\s*)?"exception":')


def is_feedback(payload: bytes) -> bool:
    """Python sends feedback as an event, without an exception."""
    if _ERROR.match(payload) or b'"feedback"' not in payload:
        return False
    try:
        return event_payload.kind_of(payload) == "feedback"
    except Invalid:
        return False


def reported(item: Item, project_id: int, now: int) -> Counter[Booking]:
    """What an SDK says that it dropped. A report that makes no sense is left out: nothing was lost with it."""
    try:
        report = client_report.parse(item.payload, now)
    except Invalid:
        return Counter()
    losses = {(loss.category, loss.reason): loss.quantity for loss in report.losses}
    return ledger.reported(project_id, hour_of(now), losses)


def violations(item: Item) -> list[tuple[bytes, bool]]:
    """The security reports in an item as events, and whether they are noise."""
    try:
        return [(event.payload, event.is_noise) for event in csp.parse(item.payload).events]
    except Invalid:
        return [(item.payload, False)]  # the pipeline books it as malformed
