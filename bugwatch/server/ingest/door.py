"""What all ways in have in common: expanding a body under limits, knowing the sender, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from bugwatch.domain.batch import Arrival
from bugwatch.domain.errors import Forbidden, RateLimited, TooLarge, Unauthenticated, Unavailable
from bugwatch.domain.limits import MIB, Limits
from bugwatch.domain.outcome import Outcome
from bugwatch.protocol.auth import Credentials, understood
from bugwatch.protocol.encoding import Reserve, decode, is_as_it_is
from bugwatch.protocol.rate_limit_headers import RateLimit, rate_limits, retry_after
from bugwatch.server.ingest.knock import Knock
from bugwatch.server.reply import Reply
from bugwatch.services.house import House
from bugwatch.services.ingest import Refusal
from bugwatch.services.projects import Access

UNSUPPORTED_S = 3_600
BUSY_S = 60
INLINE_BYTES = MIB  # what expands to more is expanded beside the loop


async def expand(body: bytes, encoding: str | None, limits: Limits, reserve: Reserve) -> bytes:
    """A body without its Content-Encoding, to be called when it is there as a whole: else a small bomb whose end is
    late would keep the room of all others."""
    if is_as_it_is(encoding):
        return body
    try:
        expanded = decode(body, encoding, limit=min(limits.expanded_bytes, INLINE_BYTES))
    except TooLarge:
        return await _beside(partial(decode, body, encoding, limit=limits.expanded_bytes, reserve=reserve))
    reserve(len(expanded))
    return expanded


async def _beside(work: Callable[[], bytes]) -> bytes:
    """Run it on a thread. Who is cancelled waits for its end: only then is what it reserved given back."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


async def admit(house: House, credentials: Credentials) -> Access:
    """What the key opens. Raises Unauthenticated for a key that nobody knows, Forbidden for one that fits elsewhere."""
    access = await house.projects.by_public_key(credentials.public_key)
    if access is None or access.key is None:
        raise Unauthenticated(f"Nobody here has this key. {_dsn(house, credentials)}")
    if credentials.project_id not in (None, access.project.id):
        raise Forbidden(f"This key belongs to another project. {_dsn(house, credentials)}")
    if access.project.deleted_at is not None:
        raise Forbidden(f"This project was deleted. {_dsn(house, credentials)}")
    if not access.key.is_usable(house.clock()):
        raise Forbidden(f"This key was revoked. {_dsn(house, credentials)}")
    return access


def _dsn(house: House, credentials: Credentials) -> str:
    return understood(house.site.url, credentials.public_key, credentials.project_id)


async def take(
    house: House, access: Access, arrivals: Sequence[Arrival], dropped: Sequence[Refusal] = ()
) -> list[Refusal]:
    """As `Ingest.take`. Raises RateLimited where the database takes nothing: a 5xx would lose the events for good."""
    try:
        return await house.ingest.take(access, arrivals, dropped)
    except Unavailable as error:
        categories = tuple(sorted({str(arrival.category) for arrival in arrivals}))
        raise RateLimited(str(error), BUSY_S, categories, "unavailable") from error


def answer(
    knock: Knock,
    event_id: str,
    taken: int,
    refused: Sequence[Refusal],
    switched_off: Iterable[str] = (),
    status: int = 200,
) -> Reply:
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
        body = {"code": "rate_limited", "detail": refused[0].detail, "request_id": knock.request_id}
    return Reply(status, msgspec.json.encode(body), headers)
