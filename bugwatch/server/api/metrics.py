"""`/metrics`: what Prometheus reads. From this machine without a word, from elsewhere with a token as Bearer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.histogram import Histogram
from bugwatch.server import timing
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
        _histograms("request_seconds", "How long answers took, by route and class of the status.", timing.by_route()),
        _histograms("batch_requests", "Requests that were stored together.", [({}, ingest.batches.requests)]),
        _histograms("batch_wait_seconds", "How long the oldest of a batch waited.", [({}, ingest.batches.waited)]),
        _histograms("batch_seconds", "How long it took to store a batch.", [({}, ingest.batches.took)]),
    )
    return "".join(line + "\n" for family in families for line in family)


def _family(name: str, kind: str, words: str, samples: list[tuple[dict[str, str], int]]) -> Iterator[str]:
    """One metric in Prometheus' text format; label values are ours or from fixed sets, so nothing needs escaping."""
    yield from _head(name, kind, words)
    for labels, value in samples:
        yield _sample(name, labels, value)


def _histograms(name: str, words: str, samples: Iterable[tuple[dict[str, str], Histogram]]) -> Iterator[str]:
    yield from _head(name, "histogram", words)
    for labels, histogram in samples:
        for bound, count in histogram.up_to():
            yield _sample(f"{name}_bucket", {**labels, "le": f"{bound:g}"}, count)
        yield _sample(f"{name}_bucket", {**labels, "le": "+Inf"}, histogram.count)
        yield _sample(f"{name}_sum", labels, round(histogram.total, 6))
        yield _sample(f"{name}_count", labels, histogram.count)


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP bugwatch_{name} {words}"
    yield f"# TYPE bugwatch_{name} {kind}"


def _sample(name: str, labels: dict[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"bugwatch_{name}{{{inside}}} {value}" if inside else f"bugwatch_{name} {value}"
