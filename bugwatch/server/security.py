"""What keeps other people's pages out of ours: cookies, the check of forms, headers, and redirects that stay here.

The session cookie is `SameSite=Lax`. Strict would show the login page to everybody who follows a link from a chat or a
mail; that other sites cannot post in somebody's name is the affair of `check_form`, which wants both the browser's word
on where a request comes from and a token that only our own pages carry. Strangers have a token as well, bound to a
cookie of theirs, so that nobody can be signed in to somebody else's account unnoticed.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from sanic import HTTPResponse, Request

from bugwatch.domain.errors import Forbidden
from bugwatch.server.address import is_from_proxy
from bugwatch.server.context import house

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_NONCE_LENGTH = 32
_YEAR_S = 365 * 24 * 3600


def is_https(request: Request) -> bool:
    """Whether the browser speaks https with us, or with a proxy in front of us."""
    if is_from_proxy(request) and "x-forwarded-proto" in request.headers:
        first = str(request.headers["x-forwarded-proto"]).partition(",")[0]
        return first.strip().lower() == "https"
    site = house(request).site
    # An address that was typed into the set-up page may be one that is not reached yet: it must not lock anybody out.
    return site.is_https and (site.is_fixed or str(request.host) == urlsplit(site.url).netloc)


# Cookies


def cookie_name(request: Request, name: str) -> str:
    """`__Host-…` where browsers allow it: then no other host, and nothing without https, can set or read it."""
    return f"__Host-{name}" if is_https(request) and not house(request).site.base_path else name


def cookie(request: Request, name: str) -> str:
    """What the browser sent under this name, or nothing."""
    return request.cookies.get(cookie_name(request, name)) or ""


def set_cookie(request: Request, response: HTTPResponse, name: str, value: str, max_age_s: int | None = None) -> None:
    """Out of reach of scripts and of other sites' posts; until the browser closes, or for `max_age_s`."""
    response.add_cookie(
        cookie_name(request, name),
        value,
        path=house(request).site.base_path + "/",
        max_age=max_age_s,
        httponly=True,
        samesite="Lax",
        secure=is_https(request),
    )


def delete_cookie(request: Request, response: HTTPResponse, name: str) -> None:
    set_cookie(request, response, name, "", 0)


# Forms


def form_token(key: bytes) -> str:
    """A token for the forms of one page. Each is different, so that a compressed page gives nothing away (BREACH)."""
    nonce = secrets.token_hex(_NONCE_LENGTH // 2)
    return nonce + _mark(key, nonce)


def check_form(request: Request, key: bytes) -> None:
    """Raises Forbidden unless this request comes from a page of ours, shown to the same browser."""
    if not _is_from_here(request):
        raise Forbidden(
            "This request came from another address than the one Bugwatch knows. "
            "If you use a proxy, let it pass on the Host header, or set BUGWATCH_BASE_URL."
        )
    given = request.headers.get("x-csrf-token") or (request.form.get("csrf") if request.form else "") or ""
    nonce, mark = given[:_NONCE_LENGTH], given[_NONCE_LENGTH:]
    if not hmac.compare_digest(mark.encode("utf-8", "replace"), _mark(key, nonce).encode()):
        raise Forbidden("This page was open for too long. Go back, reload it, and try again.")


def _mark(key: bytes, nonce: str) -> str:
    return hmac.digest(key, nonce.encode("utf-8", "replace"), "sha256").hex()[:_NONCE_LENGTH]


def _is_from_here(request: Request) -> bool:
    fetched_from = request.headers.get("sec-fetch-site")
    if fetched_from:
        return str(fetched_from) in ("same-origin", "none")
    origin = request.headers.get("origin")
    if not origin:
        return True  # not a browser of the last ten years: the token decides
    ours = urlsplit(house(request).site.url)
    return origin == f"{ours.scheme}://{ours.netloc}" or bool(urlsplit(origin).netloc == request.host)


# Answers


def protect(request: Request, response: HTTPResponse) -> None:
    """The headers that every answer has; pages bring their own besides (server/render.py)."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        if response.status == 401:
            response.headers.setdefault("WWW-Authenticate", "Bearer")
    if is_https(request):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_S}")


def own_path(path: str) -> str:
    """`path` if it is a page of ours, below the base path; else the front page. For `?next=`."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return "/"
    return path
