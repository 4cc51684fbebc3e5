"""Who is asking, found out before any handler runs. Nothing is open by accident: a route without `@public` wants
somebody who is signed in, by a browser's session cookie or by `Authorization: Bearer` with a JWT or a token.

Routes of a project say what they do to it: `@for_project(Verb.EVENT_READ)` hands over the project, or answers 404 or
403.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps

from sanic import HTTPResponse, Request

from bugwatch.domain import token
from bugwatch.domain.account import Account, Caller, Verb
from bugwatch.domain.clock import SECOND
from bugwatch.domain.errors import Unauthenticated
from bugwatch.server import security
from bugwatch.server.address import client_address
from bugwatch.server.context import house
from bugwatch.server.render import App, redirect, url_for
from bugwatch.services.sessions import ABSOLUTE, Client, Session

SESSION, VISITOR, DEVICE = "bugwatch", "bugwatch-visitor", "bugwatch-device"
_DEVICE_LIFE_S = 365 * 24 * 3600

Handler = Callable[..., Awaitable[HTTPResponse | None]]  # None: it has answered, piece by piece

# They ask for no person: SDKs show a project's key, assets and health are for everybody.
_MACHINES = ("bugwatch.server.ingest.", "bugwatch.server.dashboard.static", "bugwatch.server.api.health")


def public(handler: Handler) -> Handler:
    """This route is for strangers too."""
    handler.is_public = True  # type: ignore[attr-defined]
    return handler


def for_project(verb: Verb) -> Callable[[Handler], Handler]:
    """The route has a `project_id`; the handler gets a `project` in its place, if the caller may do this with it."""

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request, project_id: int, **others: object) -> HTTPResponse | None:
            project = await house(request).permissions.project(caller(request), verb, project_id)
            return await handler(request, project=project, **others)

        guarded.verb = verb  # type: ignore[attr-defined]  # the API's document names it
        return guarded

    return guard


def caller(request: Request) -> Caller:
    """Who asks. Raises Unauthenticated."""
    found: Caller | None = getattr(request.ctx, "caller", None)
    if not found:
        raise Unauthenticated("Sign in first.")
    return found


def session(request: Request) -> Session:
    """The browser session of who asks. Raises Unauthenticated, also for a token: it must not change the account."""
    found: Session | None = getattr(request.ctx, "session", None)
    if not found:
        raise Unauthenticated("Sign in with a browser to do this.")
    return found


def is_signed_in(request: Request) -> bool:
    return getattr(request.ctx, "session", None) is not None


def client_of(request: Request) -> Client:
    """What is known of the other end."""
    return Client(client_address(request), request.headers.get("user-agent", ""), security.cookie(request, DEVICE))


async def sign_in(request: Request, response: HTTPResponse, account: Account) -> None:
    """Let `response` start a session of this account: always a new one, whatever cookie came with the request."""
    opened = await house(request).sessions.open(account.id, client_of(request))
    security.set_cookie(request, response, SESSION, opened, ABSOLUTE // SECOND)
    device = house(request).sessions.device(account.email)
    security.set_cookie(request, response, DEVICE, device, _DEVICE_LIFE_S)


def install(app: App) -> None:
    app.on_request(enter)
    app.on_response(leave)


async def enter(request: Request) -> HTTPResponse | None:
    """Runs before every handler."""
    if _is_for_machines(request):
        return None
    request.ctx.time_zone = house(request).site.time_zone
    handler = request.route.handler if request.route else None
    is_open = handler is None or getattr(handler, "is_public", False)
    is_api = request.path.startswith("/api/")
    credentials = bearer(request) if is_api else None
    if credentials is not None:
        if not is_open:
            request.ctx.caller = await caller_of(request, credentials)
    else:
        await _enter_by_cookie(request, is_api=is_api, is_open=is_open)
    if is_open or getattr(request.ctx, "caller", None):
        return None
    if not is_api and request.method == "GET" and "hx-request" not in request.headers:
        wanted = request.path + (f"?{request.query_string}" if request.query_string else "")
        return redirect(request, url_for(request, "login.login", next=None if wanted == "/" else wanted))
    raise Unauthenticated("Sign in first." if not is_api else "Send “Authorization: Bearer” with a token.")


async def leave(request: Request, response: HTTPResponse) -> None:
    """Runs after every handler."""
    if _is_for_machines(request):
        return
    security.protect(request, response)
    visitor = getattr(request.ctx, "new_visitor", None)
    if visitor and (response.content_type or "").startswith("text/html"):
        security.set_cookie(request, response, VISITOR, visitor)


async def _enter_by_cookie(request: Request, *, is_api: bool, is_open: bool) -> None:
    key = await _form_key(request)
    request.ctx.csrf = security.form_token(key)
    # The API sets no cookies, and its public routes read none: without a session another site has nothing to borrow.
    is_harmless = request.method in security.SAFE_METHODS or (is_api and (is_open or not is_signed_in(request)))
    if request.route and not is_harmless:
        security.check_form(request, key)


async def _form_key(request: Request) -> bytes:
    cookie = security.cookie(request, SESSION)
    found = await house(request).sessions.find(cookie, client_address(request)) if cookie else None
    if found:
        request.ctx.session = found
        request.ctx.caller = found.caller
        return found.csrf_key
    visitor = security.cookie(request, VISITOR)
    if not visitor:
        visitor = request.ctx.new_visitor = secrets.token_hex(16)
    return house(request).secret.mark("csrf", f"visitor {visitor}")


def _is_for_machines(request: Request) -> bool:
    return request.route is not None and request.route.handler.__module__.startswith(_MACHINES)


def bearer(request: Request) -> str | None:
    """The credentials of `Authorization: Bearer`, if the request has it."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


async def caller_of(request: Request, credentials: str) -> Caller:
    if credentials.startswith(token.PREFIX):
        return await house(request).tokens.caller_of(credentials)
    return await house(request).sessions.caller_of(credentials)
