"""How often one account may call the API. Far more than people and scripts need; one that runs wild slows only itself.

What SDKs send has limits of its own, per project and key (services/ingest.py).
"""

from __future__ import annotations

from typing import cast

from sanic import HTTPResponse, Request

from bugwatch.domain.clock import SECOND
from bugwatch.domain.errors import RateLimited
from bugwatch.domain.quota import Buckets
from bugwatch.server.context import house
from bugwatch.server.render import App

PER_MINUTE = 6_000


def install(app: App) -> None:
    """After `auth.install`: who asks is known by then."""
    app.ctx.api_buckets = Buckets()
    app.on_request(enter)
    app.on_response(leave)


async def enter(request: Request) -> None:
    """Count the request. Raises RateLimited."""
    account_id = _account_id(request)
    if account_id is not None:
        wait = _buckets(request).take(account_id, PER_MINUTE, house(request).clock())
        if wait:
            raise RateLimited(f"Too many requests: at most {PER_MINUTE:,} a minute. Try again in {wait} s.", wait)


async def leave(request: Request, response: HTTPResponse) -> None:
    """Say how much is left, and when (in seconds since 1970) all of it is back."""
    account_id = _account_id(request)
    if account_id is not None:
        left, full_at = _buckets(request).left(account_id, PER_MINUTE, house(request).clock())
        response.headers["X-RateLimit-Limit"] = str(PER_MINUTE)
        response.headers["X-RateLimit-Remaining"] = str(left)
        response.headers["X-RateLimit-Reset"] = str(-(-full_at // SECOND))


def _account_id(request: Request) -> int | None:
    caller = getattr(request.ctx, "caller", None)
    return caller.account.id if caller and request.path.startswith(("/api/v1/", "/api/0/")) else None


def _buckets(request: Request) -> Buckets:
    return cast("Buckets", request.app.ctx.api_buckets)
