"""What all ways in have in common: reading a body under limits, knowing the sender, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import msgspec
from sanic import HTTPResponse, Request
from sanic.exceptions import RequestTimeout

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import Forbidden, RateLimited, TooLarge, Unauthenticated, Unavailable
from bugwatch.domain.limits import MIB
from bugwatch.domain.outcome import Outcome
from bugwatch.protocol.auth import Credentials, understood
from bugwatch.protocol.encoding import ByteBudget, Decoder, Reserve, decode, decoder_for
from bugwatch.protocol.rate_limit_headers import RateLimit, rate_limits, retry_after
from bugwatch.server.context import house
from bugwatch.services.ingest import Refusal
from bugwatch.services.projects import Access

UNSUPPORTED_S = 3_600
BUSY_S = 60
BODY_S = 60  # who trickles would keep others out
INLINE_BYTES = MIB  # what expands to more is expanded beside the loop


@asynccontextmanager
async def body_of(request: Request) -> AsyncIterator[tuple[bytes, Reserve]]:
    """The request's body, expanded, and the means to reserve more memory; all of it is given back on leaving."""
    with cast("ByteBudget", request.app.ctx.ingest_budget).lease() as lease:
        yield await _read(request, lease.reserve), lease.reserve


async def _read(request: Request, reserve: Reserve) -> bytes:
    """The body is expanded when it is there: else a small bomb whose end is late would keep the room of all others."""
    encoding, limit = request.headers.get("content-encoding"), house(request).limits.expanded_bytes
    decoder = decoder_for(encoding, limit=min(limit, INLINE_BYTES))
    body = await _arrived(request, reserve)
    if type(decoder) is Decoder:  # it comes as it is
        return body
    try:
        expanded = decoder.feed(body) + decoder.finish()
    except TooLarge:
        return await _beside(partial(decode, body, encoding, limit=limit, reserve=reserve))
    reserve(len(expanded))
    return expanded


async def _arrived(request: Request, reserve: Reserve) -> bytes:
    if request.stream is None:
        return b""
    most = house(request).limits.compressed_bytes
    pieces: list[bytes] = []
    arrived = 0
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream:  # type: ignore[attr-defined]
                arrived += len(chunk)
                if arrived > most:
                    raise TooLarge(f"The request is too large: at most {most:,} bytes are taken.")
                reserve(len(chunk))
                pieces.append(chunk)
    except TimeoutError:
        raise RequestTimeout("The body took too long to arrive.") from None
    return b"".join(pieces)


async def _beside(work: Callable[[], bytes]) -> bytes:
    """Run it on a thread. Who is cancelled waits for its end: only then is what it reserved given back."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


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
