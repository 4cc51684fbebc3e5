"""Signing in and out with a browser."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.errors import RateLimited, Unauthenticated
from bugwatch.server import auth, security
from bugwatch.server.context import house
from bugwatch.server.forms import text
from bugwatch.server.render import page, redirect, url_for
from bugwatch.templates import gettext as _

bp = Blueprint("login")


@bp.get("/login", name="login")
@auth.public
async def show(request: Request) -> HTTPResponse:
    if auth.is_signed_in(request):
        return onward(request, request.args.get("next", ""))
    return await _form(request, next_path=request.args.get("next", ""))


@bp.post("/login", name="enter")
@auth.public
async def enter(request: Request) -> HTTPResponse:
    email, next_path = text(request, "email"), text(request, "next")
    try:
        account = await house(request).sessions.sign_in(email, text(request, "password"), auth.client_of(request))
    except Unauthenticated as error:
        return await _form(request, status=401, email=email, next_path=next_path, problem=str(error))
    except RateLimited as error:
        response = await _form(request, status=429, email=email, next_path=next_path, problem=str(error))
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    response = onward(request, next_path)
    await auth.sign_in(request, response, account)
    return response


@bp.post("/logout", name="logout")
async def logout(request: Request) -> HTTPResponse:
    session = auth.session(request)
    await house(request).sessions.end(session.account.id, session.id)
    response = redirect(request, url_for(request, "login.login"), toast=_("You are signed out."))
    security.delete_cookie(request, response, auth.SESSION)
    return response


def onward(request: Request, next_path: str) -> HTTPResponse:
    """To where somebody wanted to go before they signed in: a page of ours, or the front page."""
    return redirect(request, house(request).site.base_path + security.own_path(next_path))


async def _form(
    request: Request, *, status: int = 200, email: str = "", next_path: str = "", problem: str = ""
) -> HTTPResponse:
    people = house(request).accounts
    return await page(
        request,
        "account/login.html",
        status=status,
        email=email,
        next_path=next_path,
        problem=problem,
        is_claimed=await people.is_any(),
        is_open=people.is_open,
    )
