"""A forgotten password: asking for a link, and setting a new password with it."""

from __future__ import annotations

from collections.abc import Mapping

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.errors import Invalid, RateLimited
from bugwatch.server import auth
from bugwatch.server.address import client_address
from bugwatch.server.context import house
from bugwatch.server.forms import problems, text
from bugwatch.server.render import page, redirect, url_for
from bugwatch.templates import gettext as _

bp = Blueprint("reset")


@bp.get("/forgot", name="forgot")
@auth.public
async def forgot(request: Request) -> HTTPResponse:
    return await _forgot(request)


@bp.post("/forgot", name="ask")
@auth.public
async def ask(request: Request) -> HTTPResponse:
    """The same page and the same time, whether or not there is such an account."""
    email = text(request, "email")
    try:
        await house(request).accounts.send_reset_link(email, client_address(request))
    except RateLimited as error:
        response = await _forgot(request, status=429, email=email, problem=str(error))
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    return await _forgot(request, email=email, is_sent=True)


@bp.get("/reset/<token:str>", name="reset")
@auth.public
async def show(request: Request, token: str) -> HTTPResponse:
    return await _form(request, token)


@bp.post("/reset/<token:str>", name="set")
@auth.public
async def set_password(request: Request, token: str) -> HTTPResponse:
    try:
        account = await house(request).accounts.reset(token, text(request, "password"))
    except Invalid as error:
        return await _form(request, token, status=400, errors=problems(error))
    response = redirect(
        request, url_for(request, "issues.index"), toast=_("Your password is changed, and other sessions have ended.")
    )
    await auth.sign_in(request, response, account)
    return response


async def _forgot(
    request: Request, *, status: int = 200, email: str = "", problem: str = "", is_sent: bool = False
) -> HTTPResponse:
    return await page(
        request,
        "account/forgot.html",
        status=status,
        email=email,
        problem=problem,
        is_sent=is_sent,
        can_mail=house(request).mail.is_on,
    )


async def _form(
    request: Request, token: str, *, status: int = 200, errors: Mapping[str, str] | None = None
) -> HTTPResponse:
    account = await house(request).accounts.of_reset_link(token)
    return await page(
        request, "account/reset.html", status=status, token=token, email=account.email, errors=errors or {}
    )
