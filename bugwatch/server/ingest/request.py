"""What Sanic read, in the words of the door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sanic import Request
from sanic.exceptions import RequestTimeout

from bugwatch.domain.errors import TooLarge
from bugwatch.protocol.encoding import ByteBudget, Reserve, is_as_it_is
from bugwatch.server.address import client_address
from bugwatch.server.context import house
from bugwatch.server.ingest.door import expand
from bugwatch.server.ingest.knock import Knock, query_of

BODY_S = 60  # who trickles would keep others out


def knock_of(request: Request) -> Knock:
    return Knock(request.headers, query_of(request.query_string), client_address(request), str(request.id))


@asynccontextmanager
async def body_of(request: Request) -> AsyncIterator[tuple[bytes, Reserve]]:
    """The request's body, expanded, and the means to reserve more memory; all of it is given back on leaving."""
    with cast("ByteBudget", request.app.ctx.ingest_budget).lease() as lease:
        limits, encoding = house(request).limits, request.headers.get("content-encoding")
        is_as_it_is(encoding)  # one that we do not speak is refused before anything is read
        body = await _arrived(request, limits.compressed_bytes, lease.reserve)
        yield await expand(body, encoding, limits, lease.reserve), lease.reserve


async def _arrived(request: Request, most: int, reserve: Reserve) -> bytes:
    if request.stream is None:
        return b""
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
