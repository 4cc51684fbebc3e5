"""Making an account: by invitation, or where registration is open."""

from __future__ import annotations

from collections.abc import Mapping

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.errors import Conflict, Forbidden, Invalid
from bugwatch.server import auth
from bugwatch.server.address import client_address
from bugwatch.server.context import house
from bugwatch.server.forms import problems, text
from bugwatch.server.render import page, redirect, url_for
from bugwatch.storage.invitations import Invitation
from bugwatch.templates import gettext as _

bp = Blueprint("signup")


@bp.get("/signup", name="signup")
@auth.public
async def show(request: Request) -> HTTPResponse:
    return await _form(request)


@bp.post("/signup", name="create")
@auth.public
async def create(request: Request) -> HTTPResponse:
    return await _sign_up(request)


@bp.get("/invitation/<token:str>", name="invitation")
@auth.public
async def invitation(request: Request, token: str) -> HTTPResponse:
    return await _form(request, await house(request).members.invitation(token), token)


@bp.post("/invitation/<token:str>", name="accept")
@auth.public
async def accept(request: Request, token: str) -> HTTPResponse:
    """Who is signed in joins with their account, others make one."""
    invited = await house(request).members.invitation(token)
    if not auth.is_signed_in(request):
        return await _sign_up(request, invited, token)
    await house(request).members.accept(auth.session(request).account, token)
    return _welcome(request, invited)


async def _sign_up(request: Request, invited: Invitation | None = None, token: str = "") -> HTTPResponse:
    given = {name: text(request, name) for name in ("email", "name")}
    if invited and invited.email:
        given["email"] = invited.email
    try:
        account = await house(request).accounts.sign_up(
            given["email"],
            text(request, "password"),
            client_address(request),
            name=given["name"],
            invitation=token,
        )
    except (Invalid, Conflict) as error:
        return await _form(request, invited, token, status=400, given=given, errors=problems(error))
    response = _welcome(request, invited)
    await auth.sign_in(request, response, account)
    return response


def _welcome(request: Request, invited: Invitation | None) -> HTTPResponse:
    place = invited.organization_name if invited else "Bugwatch"
    return redirect(request, url_for(request, "issues.index"), toast=_("Welcome to %(place)s.", place=place))


async def _form(
    request: Request,
    invited: Invitation | None = None,
    token: str = "",
    *,
    status: int = 200,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTTPResponse:
    people = house(request).accounts
    if not await people.is_any():
        raise Forbidden("The first account needs the set-up link that Bugwatch printed when it started.")
    return await page(
        request,
        "account/signup.html",
        status=status,
        invitation=invited,
        token=token,
        given=given or {},
        errors=errors or {},
        is_open=people.is_open,
    )
