"""`/metrics`: what Prometheus reads. From this machine without a word, from elsewhere with a token as Bearer."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.server.address import client_address
from bugwatch.server.auth import bearer, caller_of, public
from bugwatch.server.context import house
from bugwatch.services.house import House
from bugwatch.services.ingest import Gear
from bugwatch.storage import ledger, spool

bp = Blueprint("metrics")

TYPE = "text/plain; version=0.0.4; charset=utf-8"


@bp.get("/metrics", name="show")
@public
async def show(request: Request) -> HTTPResponse:
    """Counters since the beginning, gauges of now. Raises Unauthenticated for strangers from elsewhere."""
    if not _is_local(request):
        await caller_of(request, bearer(request) or "")
    return HTTPResponse(await _text(house(request)), content_type=TYPE)


def _is_local(request: Request) -> bool:
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False  # a proxy on this machine speaks for somebody else
    address = client_address(request)
    return not address or ip_address(address).is_loopback


async def _text(house: House) -> str:
    async with house.db.read() as tx:
        items, refused, waiting = await ledger.sums(tx), await ledger.refusals(tx), await spool.waiting(tx)
    ingest = house.ingest
    families = (
        _family("info", "gauge", "Which Bugwatch this is.", [({"version": house.site.version}, 1)]),
        _family(
            "items_total",
            "counter",
            "Items by category and what became of them.",
            [({"category": row["category"], "outcome": row["outcome"]}, row["total"]) for row in items],
        ),
        _family(
            "refused_requests_total",
            "counter",
            "Requests that belong to no project, by reason.",
            [({"reason": row["reason"]}, row["total"]) for row in refused],
        ),
        _family("spool_items", "gauge", "Items that wait to be digested.", [({}, waiting.count)]),
        _family("spool_failed_items", "gauge", "Items that could not be digested.", [({}, waiting.failed_count)]),
        _family("spool_bytes", "gauge", "Bytes that wait to be digested.", [({}, waiting.bytes)]),
        _family("disk_free_bytes", "gauge", "What is left on the disk of the data folder.", [({}, ingest.free_bytes)]),
        _family(
            "ingest_gear",
            "gauge",
            "1 for the gear that is in: direct, spool or shed.",
            [({"gear": str(gear)}, int(gear is ingest.gear)) for gear in Gear],
        ),
    )
    return "".join(line + "\n" for family in families for line in family)


def _family(name: str, kind: str, words: str, samples: list[tuple[dict[str, str], int]]) -> Iterator[str]:
    """One metric in Prometheus' text format; label values are ours or from fixed sets, so nothing needs escaping."""
    yield f"# HELP bugwatch_{name} {words}"
    yield f"# TYPE bugwatch_{name} {kind}"
    for labels, value in samples:
        inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
        yield f"bugwatch_{name}{{{inside}}} {value}" if inside else f"bugwatch_{name} {value}"
