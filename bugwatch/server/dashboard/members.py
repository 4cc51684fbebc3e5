"""Who belongs to the organization: roles, invitations, and what each role may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import ROLES, Caller, Role, Verb, may, verb_over
from bugwatch.domain.errors import Conflict, Invalid, NotFound
from bugwatch.server import auth
from bugwatch.server.context import house
from bugwatch.server.forms import number, problems, text
from bugwatch.server.render import page, redirect, url_for
from bugwatch.services.members import INVITATION_DAYS
from bugwatch.storage import projects
from bugwatch.templates import gettext as _

bp = Blueprint("members", url_prefix="/members")


@dataclass(frozen=True, slots=True)
class Link:
    """What is shown once, to be passed on by hand; `mailed_to` if it went out by mail as well."""

    url: str
    sentence: str
    mailed_to: str = ""


@bp.get("", name="index")
async def index(request: Request) -> HTTPResponse:
    return await _page(request, _organization(request))


@bp.post("/invite", name="invite")
async def invite(request: Request) -> HTTPResponse:
    home, email = _organization(request), text(request, "email").strip()
    try:
        url, was_mailed = await house(request).members.invite(
            auth.caller(request), home, _role(request), email, number(request, "days", 7)
        )
    except (Invalid, Conflict) as error:
        return await _page(request, home, status=400, errors=problems(error), given={"email": email})
    sentence = (
        _("Give this link to %(email)s. Only that address can use it, once.", email=email)
        if email
        else _("Give this link to whoever should join. It works once.")
    )
    return await _page(request, home, link=Link(url, sentence, email if was_mailed else ""))


@bp.post("/invitations/<invitation_id:int>/withdraw", name="withdraw")
async def withdraw(request: Request, invitation_id: int) -> HTTPResponse:
    home = _organization(request)
    await house(request).members.withdraw(auth.caller(request), home, invitation_id)
    return _back(request, home, _("The invitation no longer works."))


@bp.post("/<account_id:int>/role", name="set_role")
async def set_role(request: Request, account_id: int) -> HTTPResponse:
    home = _organization(request)
    try:
        await house(request).members.set_role(auth.caller(request), home, account_id, _role(request))
    except Conflict as error:
        return await _page(request, home, status=409, errors=problems(error))
    return _back(request, home, _("The role is changed."))


@bp.post("/<account_id:int>/remove", name="remove")
async def remove(request: Request, account_id: int) -> HTTPResponse:
    home = _organization(request)
    try:
        await house(request).members.remove(auth.caller(request), home, account_id)
    except Conflict as error:
        return await _page(request, home, status=409, errors=problems(error))
    if account_id == auth.caller(request).account.id:
        return redirect(request, url_for(request, "issues.index"), toast=_("You have left the organization."))
    return _back(request, home, _("No longer a member."))


@bp.post("/<account_id:int>/reset-link", name="reset_link")
async def reset_link(request: Request, account_id: int) -> HTTPResponse:
    home = _organization(request)
    try:
        url = await house(request).members.reset_link(auth.caller(request), home, account_id)
    except Conflict as error:
        return await _page(request, home, status=409, errors=problems(error))
    return await _page(
        request, home, link=Link(url, _("Pass this link on. It sets a new password, once, within an hour."))
    )


def _organization(request: Request) -> int:
    """The one that the address or the form names, else the caller's oldest. Raises NotFound if it is not theirs."""
    auth.session(request)
    roles = auth.caller(request).roles
    given = request.args.get("organization") or text(request, "organization")
    home = int(given) if given.isascii() and given.isdecimal() else min(roles, default=0)
    if home not in roles:
        raise NotFound("There is no such organization.")
    return home


def _role(request: Request) -> Role:
    given = text(request, "role")
    if given not in tuple(Role):
        raise Invalid("A role is owner, admin or member.", "role")
    return Role(given)


def _back(request: Request, home: int, toast: str) -> HTTPResponse:
    return redirect(request, url_for(request, "members.index", organization=home), toast=toast)


async def _page(
    request: Request,
    home: int,
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
    link: Link | None = None,
) -> HTTPResponse:
    caller, members = auth.caller(request), house(request).members
    can_invite = caller.may(Verb.MEMBER_WRITE, home)
    async with house(request).db.read() as tx:
        organizations = [row for row in await projects.organizations(tx) if row["id"] in caller.roles]
    return await page(
        request,
        "account/members.html",
        status=status,
        home=home,
        organizations=organizations,
        me=caller.account.id,
        members=await members.of(caller, home),
        invitations=await members.invited(caller, home) if can_invite else [],
        can_invite=can_invite,
        can_mail=house(request).mail.is_on,
        role_names=role_names(),
        roles=_givable(caller, home),
        may_change={role.value: caller.may(verb_over(role), home) for role in Role},
        days=INVITATION_DAYS,
        table=role_table(),
        errors=errors or {},
        given=given or {},
        link=link,
    )


def _givable(caller: Caller, home: int) -> list[tuple[str, str]]:
    """The roles that the caller may give, the least first."""
    return [(role.value, role_names()[role.value]) for role in reversed(Role) if caller.may(verb_over(role), home)]


def role_table() -> list[tuple[str, list[bool]]]:
    """For each line of the one table what it is about, and whether an owner, an admin and a member may."""
    return [(_(sentence), [may(role, verb) for role in Role]) for verb, (_who, sentence) in ROLES.items()]


def role_names() -> dict[str, str]:
    return {"owner": _("Owner"), "admin": _("Admin"), "member": _("Member")}
