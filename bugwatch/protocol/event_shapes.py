"""The fast way in: decode only what grouping and the indexes need; check the rest of the JSON for syntax and skip it.

What comes out looks like the whole document with parts left out, so that one set of readers serves both; only frames,
of which there are many, become `LeanFrame`s. A payload that does not fit (a line number in quotes, a list where an
object belongs, text over its limit) raises one of `NOT_LEAN`, and the caller takes the tolerant way instead.

Parts that hardly change from event to event stay raw, for `KnownParts`.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import Meta, Raw

from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.lenient_json import NOT_JSON as NOT_LEAN

__all__ = ["NOT_LEAN", "LeanFrame", "decode_kind", "decode_lean"]

# Less than we keep: frames with longer text take the tolerant way, so that those remembered in memory stay small.
Text = Annotated[str, Meta(max_length=512)]
Position = Annotated[int, Meta(gt=-(2**31), lt=2**31)]


class LeanFrame(msgspec.Struct, frozen=True, gc=False):
    """A frame as grouping sees it: no source around the line, no variables. Hashable."""

    function: Text | None = None
    raw_function: Text | None = None
    module: Text | None = None
    package: Text | None = None
    filename: Text | None = None
    abs_path: Text | None = None
    platform: Annotated[str, Meta(max_length=limits.NAME)] | None = None
    lineno: Position | None = None
    colno: Position | None = None
    in_app: bool | None = None
    context_line: Text | None = None


class _Stacktrace(TypedDict, total=False):
    frames: tuple[LeanFrame | None, ...] | None  # a tuple, which JSON otherwise never gives, says that they are lean


class _Exception(TypedDict, total=False):
    type: Any
    value: Any
    module: Any
    thread_id: Any
    mechanism: Raw
    stacktrace: _Stacktrace | None


# `values` is required, or a single exception in place of the list would pass for an empty one.
class _Exceptions(TypedDict):
    values: list[_Exception | None] | None


class _Thread(TypedDict, total=False):
    id: Any
    name: Any
    crashed: Any
    current: Any
    state: Any
    stacktrace: _Stacktrace | None


class _Threads(TypedDict):
    values: list[_Thread | None] | None


class _Contexts(TypedDict, total=False):
    browser: Raw
    os: Raw
    runtime: Raw
    device: Raw


class _Request(TypedDict, total=False):
    url: Any
    headers: Any
    env: Any


class _Event(TypedDict, total=False):
    event_id: Any
    type: Any
    timestamp: Any
    platform: Any
    level: Any
    logger: Any
    transaction: Any
    culprit: Any
    server_name: Any
    release: Any
    dist: Any
    environment: Any
    message: Any
    logentry: Any
    exception: list[_Exception | None] | _Exceptions | None
    stacktrace: _Stacktrace | None
    threads: list[_Thread | None] | _Threads | None
    fingerprint: Any
    checksum: Any
    tags: Any
    user: Any
    request: _Request | None
    contexts: _Contexts | None
    sdk: Raw
    csp: Any


# Names of twelve years ago: whoever still sends them takes the tolerant way.
_OldNames = TypedDict(
    "_OldNames",
    {
        "sentry.interfaces.Contexts": None,
        "sentry.interfaces.Csp": None,
        "sentry.interfaces.Exception": None,
        "sentry.interfaces.Http": None,
        "sentry.interfaces.Message": None,
        "sentry.interfaces.Stacktrace": None,
        "sentry.interfaces.User": None,
    },
    total=False,
)


class _LeanEvent(_Event, _OldNames):
    pass


_decode = msgspec.json.Decoder(_LeanEvent).decode


def decode_lean(raw: bytes) -> dict[str, Any]:
    """The event's document without its bulk; one of NOT_LEAN where it has an unusual shape."""
    return _decode(raw)  # type: ignore[return-value]  # a TypedDict is a dict


class _Kind(TypedDict, total=False):
    type: Any
    csp: Any


_decode_kind = msgspec.json.Decoder(_Kind).decode


def decode_kind(raw: bytes) -> dict[str, Any]:
    """Only what tells the kind of event; otherwise as `decode_lean`."""
    return _decode_kind(raw)  # type: ignore[return-value]  # a TypedDict is a dict
