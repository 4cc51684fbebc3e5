"""Browsers send events from other origins: every answer says that they may read it, errors too (PROTOCOL §1.5)."""

from __future__ import annotations

import re

from sanic import HTTPResponse, Request

FOR_SDKS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
}

_INGEST = re.compile(r"/api/(?:[1-9]\d*/|store(?:/|$)|v1/events(?:/|$))")
_ASKED = (
    "X-Sentry-Auth, X-Requested-With, X-Forwarded-For, Origin, Referer, Accept, Content-Type, Authentication, "
    "Authorization, Content-Encoding, Transfer-Encoding, sentry-trace, baggage, X-API-Key, X-Bugwatch-SDK, "
    "X-Bugwatch-SDK-Version"
)


def is_ingest(path: str) -> bool:
    """Whether SDKs talk to this path."""
    return _INGEST.match(path) is not None


def preflight(request: Request, methods: str = "POST, OPTIONS") -> HTTPResponse:
    """The answer to a browser that asks first; it may send whatever headers it asks for."""
    asked = request.headers.get("access-control-request-headers", _ASKED)
    return HTTPResponse(
        status=204,
        content_type="text/plain",
        headers={
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "".join(c for c in asked if c.isprintable())[:1_000],
            "Access-Control-Allow-Private-Network": "true",
            "Access-Control-Max-Age": "3600",
            "Vary": "Access-Control-Request-Headers",
        },
    )
