"""Bugwatch's own event, the body of `POST /api/v1/events`, in Sentry's schema, so that it takes the very same road.

Unknown keys travel along, since clients newer and older than this server exist; a known key of the wrong type is
refused by its name.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from bugwatch.domain.errors import Invalid
from bugwatch.domain.ids import clean_event_id
from bugwatch.protocol.lenient_json import parse_object
from bugwatch.protocol.timestamps import instant_of

# Their stack traces come innermost first, as `error.stack` has them; everybody else's crash last. With Sentry's names.
JAVASCRIPT = {
    "javascript": "javascript",
    "browser": "javascript",
    "react": "javascript",
    "typescript": "javascript",
    "node": "node",
    "nodejs": "node",
    "nextjs": "node",
    "bun": "node",
    "deno": "node",
}


class OwnFrame(msgspec.Struct):
    filename: str | None = None
    function: str | None = None
    lineno: int | None = None
    colno: int | None = None
    context_line: str | None = None
    pre_context: list[str] | None = None
    post_context: list[str] | None = None
    in_app: bool | None = None


class OwnException(msgspec.Struct):
    type: str | None = None
    value: str | None = None
    stacktrace: list[OwnFrame] | None = None


class OwnBreadcrumb(msgspec.Struct):
    timestamp: str | float | None = None
    category: str | None = None
    message: str | None = None
    level: str | None = None
    data: dict[str, Any] | None = None


class OwnUser(msgspec.Struct):
    id: str | int | None = None
    email: str | None = None
    username: str | None = None


class OwnRequest(msgspec.Struct):
    url: str | None = None
    method: str | None = None
    headers: dict[str, Any] | None = None


class NameAndVersion(msgspec.Struct):
    name: str | None = None
    version: str | None = None


class OwnEvent(msgspec.Struct):
    """What the keys that we know must look like; null is as good as absent."""

    event_id: str | None = None
    timestamp: str | float | None = None
    platform: str | None = None
    level: Literal["fatal", "error", "warning", "info", "debug"] | None = None
    message: str | None = None
    exception: OwnException | None = None
    breadcrumbs: list[OwnBreadcrumb] | None = None
    tags: dict[str, str | float | bool | None] | None = None
    extra: dict[str, Any] | None = None
    contexts: dict[str, Any] | None = None
    user: OwnUser | None = None
    request: OwnRequest | None = None
    environment: str | None = None
    release: str | None = None
    server_name: str | None = None
    sdk: NameAndVersion | None = None
    runtime: NameAndVersion | None = None
    fingerprint: list[str] | None = None


def to_sentry(body: bytes) -> bytes:
    """The event as JSON in Sentry's schema. Raises Invalid, with the field where one is to blame."""
    document, _ = parse_object(body)
    _check(document)
    event = {key: value for key, value in document.items() if value is not None and key not in ("exception", "runtime")}
    platform = JAVASCRIPT.get(str(event.get("platform", "")).lower())
    if platform:
        event["platform"] = platform
    if exception := document.get("exception"):
        event["exception"] = {"values": [_exception(exception, is_innermost_first=platform is not None)]}
    if runtime := document.get("runtime"):
        event["contexts"] = {"runtime": runtime, **event.get("contexts", {})}
    try:
        return msgspec.json.encode(event)
    except RecursionError:
        raise Invalid("The event is nested too deeply.") from None


def _exception(exception: dict[str, Any], *, is_innermost_first: bool) -> dict[str, Any]:
    frames = exception.get("stacktrace") or []
    return {**exception, "stacktrace": {"frames": frames[::-1] if is_innermost_first else frames}}


def _check(document: dict[str, Any]) -> None:
    try:
        msgspec.convert(document, OwnEvent)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    if document.get("event_id") is not None and clean_event_id(document["event_id"]) is None:
        raise Invalid("`event_id` must be 32 hexadecimal digits or a UUID.", "event_id")
    if document.get("timestamp") is not None and instant_of(document["timestamp"]) is None:
        raise Invalid("`timestamp` must be a time in ISO 8601, such as 2026-11-21T14:31:07Z.", "timestamp")
    if not document.get("message") and not document.get("exception"):
        raise Invalid("An event needs a `message` or an `exception`.", "message")


_PROBLEM = re.compile(r"Expected `(.+)`, got `(.+)` - at `(?:key in )?\$\.?(.*)`")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _explained(problem: str) -> Invalid:
    """`Expected `str | null`, got `int` - at `$.user.email`` as a sentence about `user.email`."""
    if "at `$.level`" in problem:
        return Invalid("`level` must be fatal, error, warning, info or debug.", "level")
    if not (found := _PROBLEM.fullmatch(problem)):
        return Invalid(f"The event cannot be read: {problem}.")
    wanted = " or ".join(_WORDS.get(word, word) for word in found[1].split(" | ") if word != "null")
    field = found[3].replace("[...]", "").replace("[", ".").replace("]", "")
    return Invalid(f"`{field}` must be {wanted}, not {_WORDS.get(found[2], found[2])}.", field)
