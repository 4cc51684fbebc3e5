"""From an error to an answer: the only table of HTTP statuses.

Callers of the API and SDKs get JSON, people in a browser a page. Anything that is not in the table is a 500 with a
request id, logged with its traceback, which nobody but the operator sees.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError

import msgspec
from sanic import HTTPResponse, Request
from sanic.exceptions import MethodNotAllowed, SanicException, ServiceUnavailable
from sanic.exceptions import NotFound as NoRoute
from sanic.handlers import ErrorHandler

from bugwatch.domain.errors import (
    BugwatchError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnknownEncoding,
)
from bugwatch.protocol.rate_limit_headers import RateLimit, rate_limits
from bugwatch.server.api0 import unknown
from bugwatch.server.context import house
from bugwatch.server.ingest.cors import is_ingest
from bugwatch.server.render import error_page
from bugwatch.server.reply import Reply
from bugwatch.services.house import House

log = logging.getLogger(__name__)

STATUSES: dict[type[BugwatchError], tuple[int, str]] = {
    NotFound: (404, "not_found"),
    Invalid: (400, "invalid"),
    Conflict: (409, "conflict"),
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    TooLarge: (413, "too_large"),
    UnknownEncoding: (415, "unknown_encoding"),
    RateLimited: (429, "rate_limited"),
    Unavailable: (503, "unavailable"),
}

UNAVAILABLE_S = 60
CLIENT_GONE = 499  # as nginx calls it; nobody reads it

# What the server itself finds wrong with a request.
HTTP: dict[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    408: ("timeout", "The request took too long to arrive."),
    413: ("too_large", "The request is too large."),
}


class Errors(ErrorHandler):
    async def default(self, request: Request, exception: Exception) -> HTTPResponse:  # type: ignore[override]
        """The answer to `exception`, in the form that the caller reads."""
        if isinstance(exception, CancelledError):
            return HTTPResponse(status=CLIENT_GONE)
        if is_ingest(request.path):
            return reply_to_sdk(house(request), request.method, request.path, str(request.id), exception).for_sanic()
        if isinstance(exception, NoRoute | MethodNotAllowed):
            unknown.note(request)
        _log(exception, request.method, request.path, str(request.id))
        if request.path.startswith("/api/") or request.path.startswith("/health"):
            return json_reply(exception, str(request.id)).for_sanic()
        status, _, sentence = describe(exception)
        response = await error_page(request, status, sentence)
        if isinstance(exception, RateLimited):
            response.headers["Retry-After"] = str(exception.retry_after)
        return response


def reply_to_sdk(house: House, method: str, path: str, request_id: str, exception: Exception) -> Reply:
    """The answer to `exception` for an SDK, counted as a request that belongs to no project."""
    if isinstance(exception, Unavailable | ServiceUnavailable):
        # SDKs drop what gets a 5xx, and wait when they are told to.
        exception = RateLimited(str(exception), UNAVAILABLE_S, reason="unavailable")
    house.ingest.refuse(describe(exception)[1])
    _log(exception, method, path, request_id)
    reply = json_reply(exception, request_id)
    if isinstance(exception, RateLimited):
        limit = RateLimit(exception.retry_after, exception.categories, "project", exception.reason)
        reply.headers["X-Sentry-Rate-Limits"] = rate_limits([limit])
    reply.headers["X-Sentry-Error"] = describe(exception)[2].encode("ascii", "replace").decode()
    return reply


def describe(exception: Exception) -> tuple[int, str, str]:
    """Status, code and sentence."""
    if isinstance(exception, BugwatchError):
        for kind in type(exception).__mro__:
            if kind in STATUSES:
                return *STATUSES[kind], _tamed(str(exception))
    if isinstance(exception, SanicException) and exception.status_code < 500:
        code, sentence = HTTP.get(exception.status_code, ("invalid", _tamed(str(exception))))
        return exception.status_code, code, sentence
    return 500, "internal", "Something broke on our side. The log has it under this request id."


def _tamed(words: str) -> str:
    """What stands in a header need not be UTF-8, and then arrives with halves of characters that no answer can hold."""
    return words.encode("utf-8", "replace").decode()


def json_reply(exception: Exception, request_id: str) -> Reply:
    """`{"code", "detail", "field"?, "request_id"}`."""
    status, code, sentence = describe(exception)
    body: dict[str, object] = {"code": code, "detail": sentence, "request_id": request_id}
    headers: dict[str, str] = dict(getattr(exception, "headers", {}))
    if getattr(exception, "field", None):
        body["field"] = exception.field  # type: ignore[attr-defined]
    if isinstance(exception, RateLimited):
        headers["Retry-After"] = str(exception.retry_after)
    return Reply(status, msgspec.json.encode(body), headers)


def _log(exception: Exception, method: str, path: str, request_id: str) -> None:
    if describe(exception)[0] >= 500:
        log.error("%s %s failed (request %s)", method, path, request_id, exc_info=exception)
