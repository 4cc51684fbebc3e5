"""The HTTP door: one Sanic app, put together from what stands on four shelves (`ingest`, `api`, `api0`,
`dashboard`)."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any, cast

import msgspec
from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.config import Config as SanicConfig

from bugwatch import resources, shelf
from bugwatch.domain.errors import NotFound
from bugwatch.protocol.encoding import ByteBudget
from bugwatch.server import api, api0, auth, dashboard, ingest, limits, render, timing
from bugwatch.server.api0.uploads import AT_ONCE
from bugwatch.server.errors import Errors
from bugwatch.server.ingest.cors import is_ingest
from bugwatch.server.reply import finish
from bugwatch.server.request_id import request_id
from bugwatch.services.house import House

# Pages and the API take small bodies; what SDKs send is streamed under limits of its own (server/ingest).
BODY_LIMIT = 2 * 1024 * 1024
REQUEST_TIMEOUT_S = 30
RESPONSE_TIMEOUT_S = 60


class BugwatchRequest(Request):
    """A request whose path is what our routes know: without the base path, and without repeated slashes.

    DSNs with a stray slash exist, and a redirect would lose the body (PROTOCOL §1.2).
    """

    @property
    def path(self) -> str:
        path = super().path
        base: str = self.app.ctx.house.site.base_path
        if base and (path == base or path.startswith(base + "/")):
            path = path[len(base) :] or "/"
        while "//" in path:
            path = path.replace("//", "/")
        return path

    @property
    def id(self) -> str:
        if not self._id:
            self._id = request_id(self.headers.get("x-request-id"))
        return cast("str", self._id)


# Errors are written by `Errors`. To guess how, Sanic would read the source of every handler, at each start.
Blueprint._determine_error_format = lambda *_: "text"  # type: ignore[method-assign]


def create(house: House) -> Sanic[Any, Any]:
    """The app over `house`. Nothing is started here."""
    settings: dict[str, str | bool | int | float | None] = {
        "REQUEST_MAX_SIZE": BODY_LIMIT,
        "REQUEST_TIMEOUT": REQUEST_TIMEOUT_S,
        "RESPONSE_TIMEOUT": RESPONSE_TIMEOUT_S,
        "KEEP_ALIVE_TIMEOUT": 75,
        "ACCESS_LOG": False,
        "MOTD": False,
        "REAL_IP_HEADER": None,
        "FALLBACK_ERROR_FORMAT": "text",
    }
    app: Sanic[Any, Any] = Sanic(
        "bugwatch",
        config=SanicConfig(settings, env_prefix=""),
        request_class=BugwatchRequest,
        error_handler=Errors(),
        configure_logging=False,
        strict_slashes=False,
        dumps=lambda value: msgspec.json.encode(value).decode(),
        loads=msgspec.json.decode,
        inspector=False,
    )
    app.ctx.house = house
    app.ctx.ingest_budget = ByteBudget(house.limits.in_flight_bytes)
    app.ctx.upload_turns = asyncio.Semaphore(AT_ONCE)
    for package in (ingest, api, api0, dashboard):
        for module in shelf.modules(package):
            if hasattr(module, "bp"):
                app.blueprint(module.bp)
    render.install(app, resources.web(), house.site.url, house.clock)
    app.on_request(_begin)
    auth.install(app)
    limits.install(app)
    app.on_response(_finish)
    return app


async def _begin(request: Request) -> None:
    request.ctx.began = perf_counter()
    if any(isinstance(part, int) and not 0 <= part < 2**63 for part in request.match_info.values()):
        raise NotFound("There is nothing at this address.")  # no row has such a number, and no database takes it


async def _finish(request: Request, response: HTTPResponse) -> None:
    began: float | None = getattr(request.ctx, "began", None)
    seconds = None if began is None else perf_counter() - began
    finish(response.headers, str(request.id), seconds, for_sdk=is_ingest(request.path))
    timing.finished(
        request.method, request.route.name if request.route else "", response.status, seconds or 0, str(request.id)
    )
