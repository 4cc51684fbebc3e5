"""One's own account: name, password, sessions, tokens."""

from __future__ import annotations

from collections.abc import Mapping

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import EVERYTHING, Verb
from bugwatch.domain.clock import DAY
from bugwatch.domain.errors import Conflict, Invalid, NotFound
from bugwatch.server import auth
from bugwatch.server.context import house
from bugwatch.server.dashboard.client_name import client_name
from bugwatch.server.forms import number, problems, text
from bugwatch.server.render import page, redirect, url_for
from bugwatch.templates import gettext as _

bp = Blueprint("account", url_prefix="/account")

TOKEN_DAYS = (30, 90, 365)


@bp.get("", name="index")
async def index(request: Request) -> HTTPResponse:
    return await _page(request)


@bp.post("", name="rename")
async def rename(request: Request) -> HTTPResponse:
    account = auth.session(request).account
    try:
        await house(request).accounts.rename(account.email, text(request, "name"))
    except Invalid as error:
        return await _page(request, status=400, errors=problems(error))
    return redirect(request, url_for(request, "account.index"), toast=_("Saved."))


@bp.post("/password", name="password")
async def password(request: Request) -> HTTPResponse:
    """A new password, for who knows the old one. Every other session ends."""
    session = auth.session(request)
    try:
        await house(request).accounts.change_password(
            session.account.email,
            text(request, "old_password"),
            text(request, "password"),
            keep_session=session.id,
        )
    except Invalid as error:
        return await _page(request, status=400, errors=problems(error))
    return redirect(
        request, url_for(request, "account.index"), toast=_("Your password is changed, and other sessions have ended.")
    )


@bp.post("/sessions/<session_id:int>/end", name="end_session")
async def end_session(request: Request, session_id: int) -> HTTPResponse:
    if not await house(request).sessions.end(auth.session(request).account.id, session_id):
        raise NotFound("There is no such session.")
    return redirect(request, url_for(request, "account.index"), toast=_("The session has ended."))


@bp.post("/sessions/end", name="end_sessions")
async def end_sessions(request: Request) -> HTTPResponse:
    session = auth.session(request)
    await house(request).sessions.end_others(session.account.id, session.id)
    return redirect(request, url_for(request, "account.index"), toast=_("All other sessions have ended."))


@bp.post("/tokens", name="create_token")
async def create_token(request: Request) -> HTTPResponse:
    """The page once more, with the token on it: it is not shown again."""
    account = auth.session(request).account
    scopes = (request.form.getlist("scope") if request.form else None) or []
    days = number(request, "days")
    expires_at = house(request).clock() + days * DAY if days in TOKEN_DAYS else None
    try:
        token = await house(request).tokens.create(account.email, scopes, text(request, "token_name"), expires_at)
    except (Invalid, Conflict) as error:
        return await _page(request, status=400, errors=problems(error))
    return await _page(request, new_token=token)


@bp.post("/tokens/<token_id:int>/revoke", name="revoke_token")
async def revoke_token(request: Request, token_id: int) -> HTTPResponse:
    await house(request).tokens.revoke(auth.session(request).account.id, token_id)
    return redirect(request, url_for(request, "account.index"), toast=_("The token is revoked."))


async def _page(
    request: Request, *, status: int = 200, errors: Mapping[str, str] | None = None, new_token: str = ""
) -> HTTPResponse:
    session = auth.session(request)
    return await page(
        request,
        "account/index.html",
        status=status,
        account=session.account,
        current_session=session.id,
        sessions=await house(request).sessions.of_account(session.account.id),
        tokens=await house(request).tokens.of_account(session.account.id),
        scopes=(EVERYTHING, *Verb),
        token_days=TOKEN_DAYS,
        client_name=client_name,
        new_token=new_token,
        errors=errors or {},
    )
