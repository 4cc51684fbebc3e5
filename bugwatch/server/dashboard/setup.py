"""The first minutes: an account, the address, the first project. Only with the link that the console shows."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import available_timezones

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.errors import Conflict, Forbidden, Invalid
from bugwatch.domain.sdk_snippets import PLATFORMS
from bugwatch.server import auth, security
from bugwatch.server.context import house
from bugwatch.server.dashboard.projects import connect
from bugwatch.server.forms import problems, text
from bugwatch.server.render import page, redirect, url_for, zone_of
from bugwatch.services.permissions import require
from bugwatch.templates import gettext as _

bp = Blueprint("setup")


@bp.get("/setup", name="account")
@auth.public
async def account(request: Request) -> HTTPResponse:
    if await house(request).accounts.is_any():
        return redirect(request, url_for(request, "login.login"))
    return await _account(request, request.args.get("token", ""))


@bp.post("/setup", name="create_account")
@auth.public
async def create_account(request: Request) -> HTTPResponse:
    token, email, name = text(request, "token"), text(request, "email"), text(request, "name")
    try:
        made = await house(request).accounts.set_up(email, text(request, "password"), token, name=name)
    except (Invalid, Conflict) as error:
        return await _account(request, token, status=400, given={"email": email, "name": name}, errors=problems(error))
    response = redirect(request, url_for(request, "setup.instance"))
    await auth.sign_in(request, response, made)
    return response


@bp.get("/setup/instance", name="instance")
async def instance(request: Request) -> HTTPResponse:
    await _home(request)
    return await _instance(request, _address_of(request), str(zone_of(request)))


@bp.post("/setup/instance", name="set_instance")
async def set_instance(request: Request) -> HTTPResponse:
    await _home(request)
    site = house(request).site
    url, time_zone = text(request, "url") or site.url, text(request, "time_zone") or site.time_zone
    try:
        await house(request).instance.set(url, time_zone)
    except (Invalid, Conflict) as error:
        return await _instance(request, url, time_zone, status=400, errors=problems(error))
    return redirect(request, url_for(request, "setup.project"))


@bp.get("/setup/project", name="project")
async def project(request: Request) -> HTTPResponse:
    await _home(request)
    return await _project(request)


@bp.post("/setup/project", name="create_project")
async def create_project(request: Request) -> HTTPResponse:
    home = await _home(request)
    name, platform = text(request, "name"), text(request, "platform")
    try:
        made = await house(request).projects.create(name, platform or "other", home)
    except (Invalid, Conflict) as error:
        return await _project(request, status=400, name=name, platform=platform, errors=problems(error))
    return await connect(request, made.project, secret=made.api_key)


async def _home(request: Request) -> int:
    """The organization that runs this instance. Raises NotFound or Forbidden for all but its owners."""
    home = await house(request).instance.home()
    require(auth.caller(request), Verb.MEMBER_ADMIN, home)
    return home


def _address_of(request: Request) -> str:
    """Where the browser found us, which is where others will."""
    site = house(request).site
    if site.is_fixed or not request.host:
        return site.url
    return f"{'https' if security.is_https(request) else 'http'}://{request.host}"


async def _account(
    request: Request,
    token: str,
    *,
    status: int = 200,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTTPResponse:
    if not await house(request).accounts.is_setup_token(token):
        raise Forbidden("This set-up link is no longer good. Bugwatch prints a new one each time it starts.")
    return await page(
        request, "account/setup_account.html", status=status, token=token, given=given or {}, errors=errors or {}
    )


async def _instance(
    request: Request, url: str, time_zone: str, *, status: int = 200, errors: Mapping[str, str] | None = None
) -> HTTPResponse:
    return await page(
        request,
        "account/setup_instance.html",
        status=status,
        url=url,
        is_fixed=house(request).site.is_fixed,
        time_zone=time_zone,
        zones=[(zone, zone) for zone in sorted(available_timezones())],
        errors=errors or {},
    )


async def _project(
    request: Request,
    *,
    status: int = 200,
    name: str = "",
    platform: str = "python",
    errors: Mapping[str, str] | None = None,
) -> HTTPResponse:
    return await page(
        request,
        "account/setup_project.html",
        status=status,
        name=name,
        platform=platform,
        platforms=[(key, name or _("Something else")) for key, name in PLATFORMS.items()],
        errors=errors or {},
    )
