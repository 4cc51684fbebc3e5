"""The Sentry event payload: bytes to `Event`, whatever the SDK made of it.

`skim` is for ingestion: only what grouping and the indexes need, in tens of microseconds for an ordinary event. `read`
is for people: everything. Both use the same readers, so that they agree on every field in SKIMMED (a property test
says so).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from bugwatch.domain.event import Event, Level, Sdk
from bugwatch.domain.ids import clean_event_id
from bugwatch.domain.stacktrace import NOTHING, Frame
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_details import (
    breadcrumbs_of,
    contexts_of,
    debug_meta_of,
    extra_of,
    modules_of,
    note_errors,
    note_remarks,
)
from bugwatch.protocol.event_exceptions import exceptions_of, place_root_frames
from bugwatch.protocol.event_limits import Notes, line, spelled
from bugwatch.protocol.event_message import message_of
from bugwatch.protocol.event_request import request_of
from bugwatch.protocol.event_shapes import NOT_LEAN, decode_kind, decode_lean
from bugwatch.protocol.event_stacktrace import frames_of, threads_of
from bugwatch.protocol.event_tags import tags_of, traits_of
from bugwatch.protocol.event_user import address_of, user_of
from bugwatch.protocol.known_parts import KnownParts
from bugwatch.protocol.lenient_json import parse_object
from bugwatch.protocol.timestamps import drift_of, instant_of, is_believable

# What `skim` fills. Frames come without variables and the lines around, and of threads only the crashed and the current
# one have any.
SKIMMED = (
    "event_id",
    "type",
    "happened_at",
    "platform",
    "level",
    "logger",
    "transaction",
    "culprit",
    "server_name",
    "release",
    "dist",
    "environment",
    "message",
    "message_template",
    "message_params",
    "exceptions",
    "threads",
    "fingerprint",
    "tags",
    "user",
    "is_address_lent",
    "sdk",
    "traits",
    "csp_directive",
    "csp_blocked",
)

TYPES = frozenset({"error", "csp", "hpkp", "expectct", "expectstaple", "nel", "transaction", "feedback", "generic"})
PLATFORMS = frozenset(
    {"as3", "c", "cfml", "cocoa", "csharp", "dart", "elixir", "go", "groovy", "haskell", "java", "javascript", "kotlin"}
    | {"native", "node", "objc", "other", "perl", "php", "python", "ruby", "rust", "scala", "swift"}
)
LEVELS = {
    **{level.value: level for level in Level},
    "log": Level.INFO,
    "warn": Level.WARNING,
    "critical": Level.FATAL,
    # Python's logging numbers
    "10": Level.DEBUG,
    "20": Level.INFO,
    "30": Level.WARNING,
    "40": Level.ERROR,
    "50": Level.FATAL,
}
# What clients of twelve years ago called them.
_OLD_NAMES = {
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.Contexts": "contexts",
    "sentry.interfaces.Csp": "csp",
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.Template": "template",
    "sentry.interfaces.User": "user",
}


def skim(
    raw: bytes,
    *,
    received_at: int,
    sent_at: int | None = None,
    header_event_id: str | None = None,
    remote_addr: str = "",
) -> Event:
    """The event as far as SKIMMED goes. Raises Invalid if `raw` is not a JSON object, and nothing else.

    `event_id` is the envelope header's, else the payload's, else empty. `remote_addr` is the connection's address, used
    where the SDK leaves the user's address to us. Instants are ms since 1970.
    """
    try:
        return _event(decode_lean(raw), received_at, sent_at, header_event_id, remote_addr, Notes())
    except NOT_LEAN:
        document, _ = parse_object(raw)
    return skimmed(_event(_renamed(document), received_at, sent_at, header_event_id, remote_addr, Notes()))


def read(
    raw: bytes,
    *,
    received_at: int,
    sent_at: int | None = None,
    header_event_id: str | None = None,
    remote_addr: str = "",
) -> Event:
    """The whole event, with notes on what was changed. Parameters and errors as for `skim`."""
    document, remarks = parse_object(raw)
    document = _renamed(document)
    notes = Notes()
    for remark in remarks:
        notes.add("", remark)
    event = _event(document, received_at, sent_at, header_event_id, remote_addr, notes)
    event = replace(
        event,
        request=request_of(document.get("request"), notes),
        breadcrumbs=breadcrumbs_of(document.get("breadcrumbs"), drift_of(sent_at, received_at), notes),
        contexts=contexts_of(document.get("contexts"), document.get("template"), notes),
        extra=extra_of(document.get("extra"), notes),
        modules=modules_of(document.get("modules"), notes),
        debug_meta=debug_meta_of(document.get("debug_meta"), notes),
    )
    note_remarks(document.get("_meta"), notes)
    note_errors(document.get("errors"), notes)
    return replace(event, notes=tuple(notes))


def skimmed(event: Event) -> Event:
    """`event` without what `skim` leaves out."""
    return Event(
        **{name: getattr(event, name) for name in SKIMMED if name not in ("exceptions", "threads")},
        exceptions=tuple(replace(item, frames=_lean(item.frames)) for item in event.exceptions),
        threads=tuple(replace(item, frames=_lean(item.frames) if item.is_involved else ()) for item in event.threads),
    )


def _lean(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    return tuple(
        replace(frame, pre_context=(), post_context=(), vars=NOTHING, rest=NOTHING)
        if frame.pre_context or frame.post_context or frame.vars or frame.rest
        else frame
        for frame in frames
    )


def kind_of(raw: bytes) -> str:
    """What the SDK calls this kind of event: `error`, `feedback`, `csp` … (of an `Event`, ask its `type`).

    Raises Invalid if `raw` is not a JSON object. Costs a few µs.
    """
    try:
        document = decode_kind(raw)
    except NOT_LEAN:
        document, _ = parse_object(raw)
    return _type(document)


def with_address(raw: bytes, address: str) -> bytes:
    """The payload with `address` as the user's. Raises Invalid if `raw` is not a JSON object."""
    document = _renamed(parse_object(raw)[0])
    user = {**_object(document.get("user")), "ip_address": address}
    return msgspec.json.encode({**document, "user": user})


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with the interfaces under the names of today, where those are free."""
    old = {new: document[name] for name, new in _OLD_NAMES.items() if name in document}
    today = {name: value for name, value in document.items() if value is not None or name not in old}
    return {**old, **today} if old else document


def _event(
    document: dict[str, Any],
    received_at: int,
    sent_at: int | None,
    header_event_id: str | None,
    remote_addr: str,
    notes: Notes,
) -> Event:
    """What SKIMMED names, from a whole document or a lean one."""

    get = document.get

    def name(key: str) -> str:
        return line(get(key), limits.NAME, key, notes)

    platform = _platform(get("platform"))
    tags = dict(tags_of(get("tags"), notes))
    environment = name("environment") or tags.get("environment") or "production"
    tags.pop("environment", None)
    message, template, params = message_of(get("logentry"), get("message"), notes)
    exceptions, threads = place_root_frames(
        exceptions_of(get("exception"), "exception.values", notes),
        threads_of(get("threads"), "threads.values", notes),
        frames_of(get("stacktrace"), "stacktrace", notes),
    )
    request, contexts = _object(get("request")), _object(get("contexts"))
    sdk, infer_ip = _SDKS.of(get("sdk"), "sdk", notes)
    address, is_lent = address_of(get("user"), request.get("env"), infer_ip, platform, remote_addr)
    user = user_of(get("user"), address, notes)
    csp_directive, csp_blocked = _csp(get("csp"), notes)
    return Event(
        event_id=clean_event_id(header_event_id) or clean_event_id(get("event_id")) or "",
        type=_type(document),
        happened_at=_happened_at(get("timestamp"), received_at, drift_of(sent_at, received_at), notes),
        platform=platform,
        level=_level(get("level"), notes),
        logger=name("logger"),
        transaction=line(get("transaction"), limits.ROUTE, "transaction", notes),
        culprit=line(get("culprit"), limits.ROUTE, "culprit", notes),
        server_name=name("server_name"),
        release=name("release"),
        dist=name("dist"),
        environment=environment,
        message=message,
        message_template=template,
        message_params=params,
        exceptions=exceptions,
        threads=threads,
        fingerprint=_fingerprint(get("fingerprint"), get("checksum"), notes),
        tags=tuple(tags.items()),
        user=user,
        is_address_lent=is_lent and user is not None and user.ip_address == address,
        sdk=sdk,
        traits=traits_of(contexts, request, platform, notes),
        csp_directive=csp_directive,
        csp_blocked=csp_blocked,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sdk(value: Any, path: str, notes: Notes) -> tuple[Sdk, Any]:
    """The SDK, and its wish for the user's address (see `address_of`)."""
    told = _object(value)
    name = line(told.get("name"), limits.NAME, f"{path}.name", notes)
    version = line(told.get("version"), limits.NAME, f"{path}.version", notes)
    return Sdk(name, version), _object(told.get("settings")).get("infer_ip")


_SDKS = KnownParts(_sdk)


def _type(document: dict[str, Any]) -> str:
    kind = document.get("type")
    if isinstance(kind, str) and kind in TYPES:
        return kind
    return "csp" if document.get("csp") else "error"


def _platform(value: Any) -> str:
    platform = value.strip().lower() if isinstance(value, str) else ""
    return platform if platform in PLATFORMS else "other"


def _level(value: Any, notes: Notes) -> Level:
    if value is None or value == "":
        return Level.ERROR
    level = LEVELS.get(str(value).strip().lower())
    if level is None:
        notes.add("level", "not a level; taken as error")
    return level or Level.ERROR


def _happened_at(value: Any, received_at: int, drift: int, notes: Notes) -> int:
    if value is None:
        return received_at
    instant = instant_of(value, drift)
    if instant is None or not is_believable(instant, received_at):
        notes.add("timestamp", f"{spelled(value)[:100]} cannot be the time; replaced by the time of receipt")
        return received_at
    if drift:
        notes.add("timestamp", f"moved by {drift // 1000} seconds, because the sender's clock is off by so much")
    return instant


def _fingerprint(value: Any, checksum: Any, notes: Notes) -> tuple[str, ...]:
    """The client's fingerprint, or what came before it, a checksum; empty where the default shall hold."""
    if not isinstance(value, list):
        if value is not None:
            notes.add("fingerprint", "dropped, it is not a list")
        if not isinstance(checksum, str):
            return ()
        value = [checksum]
    if len(value) > limits.FINGERPRINT:
        notes.add("fingerprint", f"cut to the first {limits.FINGERPRINT} parts", len(value))
    parts = (line(part, limits.TAG, "fingerprint", notes) for part in value[: limits.FINGERPRINT])
    return tuple(part for part in parts if part)


def _csp(value: Any, notes: Notes) -> tuple[str, str]:
    """(effective directive, blocked host) of a security report. Old browsers give only the whole violated directive."""
    if not isinstance(value, dict):
        return "", ""
    report = {key.replace("-", "_"): item for key, item in value.items()}
    told = report.get("effective_directive") or report.get("violated_directive")
    directive = line(told, limits.URL, "csp.effective_directive", notes)
    blocked = line(report.get("blocked_uri"), limits.URL, "csp.blocked_uri", notes)
    # Our own reader of reports also knows which host is the page's.
    host = line(report.get("blocked_host"), limits.TAG, "csp.blocked_host", notes) or _host_of(blocked)[: limits.TAG]
    return directive.partition(" ")[0][: limits.TAG], host


def _host_of(uri: str) -> str:
    """`cdn.example:8443` of a URL or of itself; the scheme or the word where there is no host (`data`, `inline`)."""
    word, _, rest = uri.partition(":")
    return uri.partition("://")[2].partition("/")[0] or (uri if rest.isdecimal() else word)
