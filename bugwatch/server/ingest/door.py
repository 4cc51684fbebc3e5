"""What all ways in have in common: reading a body under limits, knowing the sender, and the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import cast

import msgspec
from sanic import HTTPResponse, Request

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import Forbidden, RateLimited, TooLarge, Unauthenticated, Unavailable
from bugwatch.domain.outcome import Outcome
from bugwatch.protocol.auth import Credentials, understood
from bugwatch.protocol.encoding import ByteBudget, Reserve, decoder_for
from bugwatch.protocol.rate_limit_headers import RateLimit, rate_limits, retry_after
from bugwatch.server.context import house
from bugwatch.services.ingest import Refusal
from bugwatch.services.projects import Access

UNSUPPORTED_S = 3_600
BUSY_S = 60


@asynccontextmanager
async def body_of(request: Request) -> AsyncIterator[tuple[bytes, Reserve]]:
    """The request's body, expanded, and the means to reserve more memory; all of it is given back on leaving."""
    with cast("ByteBudget", request.app.ctx.ingest_budget).lease() as lease:
        yield await _read(request, lease.reserve), lease.reserve


async def _read(request: Request, reserve: Reserve) -> bytes:
    limits = house(request).limits
    decoder = decoder_for(request.headers.get("content-encoding"), limit=limits.expanded_bytes, reserve=reserve)
    if request.stream is None:
        return b""
    pieces: list[bytes] = []
    arrived = 0
    async for chunk in request.stream:  # type: ignore[attr-defined]
        arrived += len(chunk)
        if arrived > limits.compressed_bytes:
            raise TooLarge(f"The request is too large: at most {limits.compressed_bytes:,} bytes are taken.")
        pieces.append(decoder.feed(chunk))
    pieces.append(decoder.finish())
    return b"".join(pieces)


async def admit(request: Request, credentials: Credentials) -> Access:
    """What the key opens. Raises Unauthenticated for a key that nobody knows, Forbidden for one that fits elsewhere."""
    access = await house(request).projects.by_public_key(credentials.public_key)
    dsn = understood(house(request).site.url, credentials.public_key, credentials.project_id)
    if access is None or access.key is None:
        raise Unauthenticated(f"Nobody here has this key. {dsn}")
    if credentials.project_id not in (None, access.project.id):
        raise Forbidden(f"This key belongs to another project. {dsn}")
    if access.project.deleted_at is not None:
        raise Forbidden(f"This project was deleted. {dsn}")
    if not access.key.is_usable(house(request).clock()):
        raise Forbidden(f"This key was revoked. {dsn}")
    return access


async def take(
    request: Request, access: Access, arrivals: Sequence[Arrival], dropped: Sequence[Refusal] = ()
) -> list[Refusal]:
    """As `Ingest.take`. Raises RateLimited where the database takes nothing: a 5xx would lose the events for good."""
    try:
        return await house(request).ingest.take(access, arrivals, dropped)
    except Unavailable as error:
        categories = tuple(sorted({str(arrival.category) for arrival in arrivals}))
        raise RateLimited(str(error), BUSY_S, categories, "unavailable") from error


def answer(
    request: Request,
    event_id: str,
    taken: int,
    refused: Sequence[Refusal],
    switched_off: Iterable[str] = (),
    status: int = 200,
) -> HTTPResponse:
    """`{"id": …}`, or a 429 if all that was wanted is over a limit; in both cases with the limits as headers."""
    limits = [
        RateLimit(refusal.retry_after, (str(refusal.arrival.category),), "project", refusal.reason)
        for refusal in refused
        if refusal.outcome is Outcome.LIMITED
    ]
    headers = {}
    if limits and not taken:
        status = 429
        headers["Retry-After"] = retry_after(limits)
        headers["X-Sentry-Error"] = refused[0].detail
    off = tuple(switched_off)
    if off:
        limits.append(RateLimit(UNSUPPORTED_S, off, "project", "unsupported"))
    if limits:
        headers["X-Sentry-Rate-Limits"] = rate_limits(limits)
    body: dict[str, object] = {"id": event_id} if event_id else {}
    if status == 429:
        body = {"code": "rate_limited", "detail": refused[0].detail, "request_id": str(request.id)}
    return HTTPResponse(msgspec.json.encode(body), status, headers, "application/json")
