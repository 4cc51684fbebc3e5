"""`/api/v1/auth`: signing up, in and out, for clients that hold tokens. Pages have sessions of their own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty

from bugwatch.domain.account import Account, Role
from bugwatch.server.address import client_address
from bugwatch.server.api.body import body_of
from bugwatch.server.api.operation import Answer, Instant, answer, operation
from bugwatch.server.auth import bearer, caller, client_of, public
from bugwatch.server.context import house
from bugwatch.services.sessions import TokenPair
from bugwatch.storage import projects

bp = Blueprint("auth", url_prefix="/api/v1/auth")

# Far more than anybody needs; what is shorter gets its own sentence.
Text = Annotated[str, Field(max_length=1_000)]


class SignUp(BaseModel):
    email: Text
    password: Text
    name: Text = ""
    setup_token: Text = ""
    invitation: Text = ""


class LogIn(BaseModel):
    email: Text
    password: Text


class Refresh(BaseModel):
    refresh_token: Text


class LogOut(BaseModel):
    refresh_token: Text = ""


class Forgot(BaseModel):
    email: Text


class Reset(BaseModel):
    token: Text
    password: Text


class Tokens(Answer):
    access_token: Annotated[str, Field(description="For `Authorization: Bearer`.")]
    refresh_token: Annotated[str, Field(description="For `/auth/refresh`, once.")]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of the standard
    expires_in: Annotated[int, Field(description="Seconds until the access token ends.")]


class Organization(Answer):
    id: int
    slug: str
    name: str
    role: Role


class Me(Answer):
    id: int
    email: str
    name: str
    created_at: Instant
    organizations: list[Organization]
    scopes: Annotated[list[str] | None, Field(description="What the token is limited to; null: nothing.")]


class OnItsWay(Answer):
    detail: str


@bp.post("/signup")
@public
@operation(Tokens, status=201, body=SignUp)
async def signup(request: Request) -> HTTPResponse:
    """201 and a token pair. The first account needs `setup_token`, later ones an `invitation` unless all may join."""
    given = body_of(request, SignUp)
    people = house(request).accounts
    if given.setup_token or not await people.is_any():
        account = await people.set_up(given.email, given.password, given.setup_token, name=given.name)
    else:
        account = await people.sign_up(
            given.email, given.password, client_address(request), name=given.name, invitation=given.invitation
        )
    return await _pair(request, account, 201)


@bp.post("/login")
@public
@operation(Tokens, body=LogIn)
async def login(request: Request) -> HTTPResponse:
    """200 and a token pair."""
    given = body_of(request, LogIn)
    account = await house(request).sessions.sign_in(given.email, given.password, client_of(request))
    return await _pair(request, account)


@bp.post("/refresh")
@public
@operation(Tokens, body=Refresh)
async def refresh(request: Request) -> HTTPResponse:
    """200 and the next token pair. A refresh token is good once; used again, it ends the session."""
    pair = await house(request).sessions.refresh(body_of(request, Refresh).refresh_token)
    return _tokens(pair)


@bp.post("/logout")
@public
@operation(status=204, body=LogOut)
async def logout(request: Request) -> HTTPResponse:
    """204. Ends the session of the `refresh_token`, else of the access token in `Authorization`."""
    refresh_token = body_of(request, LogOut).refresh_token
    if refresh_token:
        await house(request).sessions.end_pair(refresh_token)
    else:
        await house(request).sessions.end_by_access_token(bearer(request) or "")
    return empty()


@bp.get("/me")
@operation(Me)
async def me(request: Request) -> HTTPResponse:
    """Who the caller is, with the role in each organization; `scopes` if a token limits them, else null."""
    who = caller(request)
    async with house(request).db.read() as tx:
        organizations = await projects.organizations(tx)
    return answer(
        Me(
            id=who.account.id,
            email=who.account.email,
            name=who.account.name,
            created_at=who.account.created_at,
            organizations=[
                Organization(id=row["id"], slug=row["slug"], name=row["name"], role=who.roles[row["id"]])
                for row in organizations
                if row["id"] in who.roles
            ],
            scopes=None if who.scopes is None else sorted(who.scopes),
        )
    )


@bp.post("/forgot")
@public
@operation(OnItsWay, status=202, body=Forgot)
async def forgot(request: Request) -> HTTPResponse:
    """202, whether or not there is such an account."""
    await house(request).accounts.send_reset_link(body_of(request, Forgot).email, client_address(request))
    return answer(OnItsWay(detail="If there is an account with this email, a link is on its way."), 202)


@bp.post("/reset")
@public
@operation(status=204, body=Reset)
async def reset(request: Request) -> HTTPResponse:
    """204. Sets a new password with the token of a link, and ends all sessions."""
    given = body_of(request, Reset)
    await house(request).accounts.reset(given.token, given.password)
    return empty()


async def _pair(request: Request, account: Account, status: int = 200) -> HTTPResponse:
    return _tokens(await house(request).sessions.open_pair(account.id, client_of(request)), status)


def _tokens(pair: TokenPair, status: int = 200) -> HTTPResponse:
    tokens = Tokens(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)
    return answer(tokens, status)
