"""Pages: from a template to an answer with the right headers.

A handler ends in one of three ways: `return await page(request, "issues/list.html", rows=rows)`, or, after it changed
something, `return redirect(request, url_for(request, "issues.show", issue_id=7), toast=_("Issue resolved"))`, or it
raises, and `server/errors.py` asks for `error_page`.
"""

from __future__ import annotations

import base64
import binascii
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import brotli
import msgspec
from sanic import HTTPResponse, Request, Sanic
from sanic.config import Config

from bugwatch.domain.clock import Clock, now_ms
from bugwatch.server.assets import kept
from bugwatch.server.dashboard.sidebar import sidebar
from bugwatch.templates import Templates
from bugwatch.templates import gettext as _

App: TypeAlias = Sanic[Config, SimpleNamespace]

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Pages hold other people's data: nothing of it stays behind on a shared machine.
    "Cache-Control": "no-store",
    "Vary": "Cookie, HX-Request, Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Undo:
    """A form that takes back what was just done: where it posts to, and its hidden fields."""

    url: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Toast:
    """One sentence about what just happened, shown once on the next page."""

    text: str
    undo: Undo | None = None


class Pages:
    """What every page needs: templates, assets, and the base path that a proxy publishes us under (`/bw`, or empty)."""

    def __init__(self, app: App, web: Path, base_url: str = "", clock: Clock = now_ms) -> None:
        self.app = app
        self.clock = clock
        self.base_path = urlsplit(base_url).path.rstrip("/")
        self.is_secure = base_url.startswith("https://")
        self.assets = kept(web)
        self.templates = Templates(web / "templates")
        self._known_path = lru_cache(maxsize=1024)(self._path)  # a page has a hundred, most of them the same ones
        self.templates.offer(url_for=self.url_for, static=self.static)

    def url_for(self, name: str, **parameters: object) -> str:
        """The path of a handler, `blueprint.handler`, below the base path. What is no part of the route becomes the
        query; None is left out."""
        return self._known_path(name, tuple(pair for pair in parameters.items() if pair[1] is not None))

    def _path(self, name: str, parameters: tuple[tuple[str, object], ...]) -> str:
        path: str = self.app.url_for(name, **dict(parameters))
        return self.base_path + path

    def static(self, path: str) -> str:
        """The address of an asset such as `img/icons.svg`, for good."""
        return f"{self.base_path}/static/{self.assets.digest}/{path}"


def install(app: App, web: Path, base_url: str = "", clock: Clock = now_ms) -> None:
    """Give the app its pages; `base_url` is BUGWATCH_BASE_URL or empty."""
    app.ctx.pages = Pages(app, web, base_url, clock)


def pages_of(app: App) -> Pages:
    pages: Pages = app.ctx.pages
    return pages


def url_for(request: Request, name: str, **parameters: object) -> str:
    """See `Pages.url_for`."""
    return pages_of(request.app).url_for(name, **parameters)


async def page(
    request: Request, template: str, *, status: int = 200, fragment: str | None = None, **context: object
) -> HTTPResponse:
    """Answer with a rendered page. Where htmx asks for a part only, `fragment` is rendered in the page's place.

    Every template finds, besides what is handed in: `person` (name and email of who is signed in, or None), `sidebar`,
    `csrf`, `theme`, `now` (ms), `zone`, `toast`, `request_path`, and the globals of `Pages`.
    """
    is_part = fragment is not None and _wants_part(request)
    if is_part and fragment is not None:
        template = fragment
    person = _person(request)
    # A part leaves the sidebar alone.
    rooms = await sidebar(request) if person and not is_part else None
    return _answer(request, template, status, {"person": person, "sidebar": rooms, **context})


def redirect(request: Request, url: str, *, toast: str = "", undo: Undo | None = None) -> HTTPResponse:
    """After a change: 303 to a page of ours, which says `toast` once and, with `undo`, offers to take it back."""
    response = HTTPResponse(
        status=303, headers={"Location": url, "Cache-Control": "no-store"}, content_type="text/plain; charset=utf-8"
    )
    if toast:
        pages = pages_of(request.app)
        response.add_cookie(
            _TOAST,
            _cookie_of(Toast(toast, undo)),
            path=pages.base_path + "/",
            max_age=60,
            httponly=True,
            samesite="Lax",
            secure=pages.is_secure,
        )
    return response


async def error_page(request: Request, status: int, sentence: str) -> HTTPResponse:
    """The page for what went wrong. Who is signed in keeps the sidebar, unless it is our own fault: then nothing more
    is asked of the house."""
    person = _person(request) if status < 500 else None
    context = {
        "person": person,
        "sidebar": await sidebar(request) if person else None,
        "title": _error_title(status),
        "sentence": sentence,
    }
    return _answer(request, "errors/error.html", status, context)


def _error_title(status: int) -> str:
    titles = {
        401: _("You are not signed in"),
        403: _("You may not do this"),
        404: _("There is nothing here"),
        429: _("Too many requests"),
        503: _("Not available at the moment"),
    }
    return titles.get(status) or (_("Something broke on our side") if status >= 500 else _("That did not work"))


def _answer(request: Request, template: str, status: int, context: Mapping[str, object]) -> HTTPResponse:
    pages = pages_of(request.app)
    toast = _toast(request, pages)
    rendered = pages.templates.render(
        template,
        {
            "status": status,
            "csrf": _csrf(request),
            "theme": _theme(request),
            "now": pages.clock(),
            "zone": zone_of(request),
            "toast": toast,
            "section": "",
            "current_project": "",
            "body_class": "",
            "request_path": request.path,
            "request_id": str(request.id),
            "base_path": pages.base_path,
            **context,
        },
    )
    body, encoding = _packed_for(request, rendered.encode())
    response = HTTPResponse(body, status, HEADERS, "text/html; charset=utf-8")
    if encoding:
        response.headers["Content-Encoding"] = encoding
    if _TOAST in request.cookies:
        response.delete_cookie(_TOAST, path=pages.base_path + "/")
    return response


def _packed_for(request: Request, body: bytes) -> tuple[bytes, str | None]:
    """The body as the browser takes it. Each page has another form token, so its length gives nothing away (BREACH)."""
    accepted = request.headers.get("accept-encoding", "")
    if len(body) < 1_000:
        return body, None
    if "br" in accepted:
        return brotli.compress(body, quality=4), "br"
    if "gzip" in accepted:
        return gzip.compress(body, 5), "gzip"
    return body, None


_TOAST = "toast"


def _cookie_of(toast: Toast) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(toast)).decode()


def _toast(request: Request, pages: Pages) -> Toast | None:
    packed = request.cookies.get(_TOAST)
    if not packed:
        return None
    try:
        toast = msgspec.json.decode(base64.urlsafe_b64decode(packed), type=Toast)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None
    # The cookie is the browser's word: its form may only post to us.
    if toast.undo and (not toast.undo.url.startswith(pages.base_path + "/") or toast.undo.url.startswith("//")):
        return None
    return toast


def _wants_part(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str

    @property
    def initials(self) -> str:
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(word[0] for word in words[:2]).upper()


def _person(request: Request) -> Person | None:
    session = getattr(request.ctx, "session", None)
    return Person(session.account.name, session.account.email) if session else None


def _csrf(request: Request) -> str:
    session = getattr(request.ctx, "session", None)
    return getattr(request.ctx, "csrf", "") or (session.csrf if session else "")


def _theme(request: Request) -> str:
    chosen = request.cookies.get("theme")
    return chosen if chosen in ("light", "dark") else "auto"


def zone_of(request: Request) -> tzinfo:
    """The browser's time zone, which our script leaves in a cookie; the one of the instance until then."""
    try:
        return ZoneInfo(request.cookies.get("zone") or str(getattr(request.ctx, "time_zone", "UTC")))
    except (ValueError, LookupError, OSError):  # not a zone, or not one that this machine knows
        return UTC
