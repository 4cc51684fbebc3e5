"""What an event says beside its trace: the facts people ask for first, the request, the contexts, the grouping."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from bugwatch.domain.event import Event, Mechanism, Note, Request, User
from bugwatch.domain.json import Json, JsonObject
from bugwatch.server.dashboard.frames import shorten
from bugwatch.templates import gettext as _

FILTERED = "[Filtered]"


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    is_code: bool = False
    is_bad: bool = False


def facts_of(event: Event) -> tuple[Fact, ...]:
    """One dense row; what the event does not say is left out."""
    trace = _context(event, "trace")
    facts = (
        _handled(event),
        Fact(_("Environment"), event.environment),
        Fact(_("Release"), event.release if not event.dist else f"{event.release} ({event.dist})"),
        Fact(_("Request"), _request_line(event.request), is_code=True),
        Fact(_("Transaction"), event.transaction, is_code=True),
        Fact(_("User"), user_in_short(event.user)),
        Fact(_("Browser"), _versioned(_context(event, "browser"))),
        Fact(_("Runtime"), _versioned(_context(event, "runtime"))),
        Fact(_("System"), _versioned(_context(event, "os"))),
        Fact(_("Device"), _text(_context(event, "device"), "model", "family", "name")),
        Fact(_("Server"), event.server_name),
        Fact(_("Logger"), event.logger, is_code=True),
        Fact(_("Trace"), _text(trace, "trace_id"), is_code=True),
    )
    return tuple(fact for fact in facts if fact.value)


def _handled(event: Event) -> Fact:
    handled = [e.mechanism.is_handled for e in event.exceptions if e.mechanism and e.mechanism.is_handled is not None]
    if not handled:
        return Fact("", "")
    return Fact(_("Handled"), _("Yes") if all(handled) else _("No"), is_bad=not all(handled))


def is_unhandled(event: Event) -> bool:
    """Whether an exception of it reached nobody who expected it."""
    return any((e.mechanism or Mechanism()).is_handled is False for e in event.exceptions)


def user_in_short(user: User | None) -> str:
    """id 20417 · mara@acme.example, or whatever there is."""
    if user is None:
        return ""
    named = (_("id %(id)s", id=user.id) if user.id else "", user.username, user.email)
    return " · ".join(part for part in named if part) or user.name or user.ip_address


def _request_line(request: Request | None) -> str:
    if request is None or not request.url:
        return ""
    path = re.split(r"[?#]", _split(request.url)[1])[0]
    return f"{request.method} {path or '/'}".strip()


def _split(url: str) -> tuple[str, str]:
    """Origin and the rest. Not by `urlsplit`, which refuses some of what apps are asked for."""
    origin = re.match(r"[A-Za-z][\w+.-]*://[^/?#]*", url)
    return (origin[0], url[origin.end() :]) if origin else ("", url)


def _context(event: Event, name: str) -> JsonObject:
    found = event.contexts.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(context: JsonObject, *names: str) -> str:
    return next((str(context[name]) for name in names if context.get(name)), "")


def _versioned(context: JsonObject) -> str:
    name, version = _text(context, "name"), _text(context, "version", "raw_description")
    return name if version in name else f"{name} {version}"


# --- tables of names and values ---


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    value: str
    is_filtered: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    pairs: tuple[Pair, ...]


def pairs_of(data: Mapping[str, Json] | Iterable[tuple[str, Json]]) -> tuple[Pair, ...]:
    items = data.items() if isinstance(data, Mapping) else data
    return tuple(_pair(name, value) for name, value in items)


def _pair(name: str, value: Json) -> Pair:
    text = shorten(value)
    return Pair(name, text, FILTERED in text)


@dataclass(frozen=True, slots=True)
class RequestView:
    """`url` without `tail`, the part from the path on, which is what people look for."""

    method: str
    origin: str
    tail: str
    sections: tuple[Section, ...]
    body: str
    curl: str


def request_of(event: Event) -> RequestView | None:
    request = event.request
    if request is None:
        return None
    origin, tail = _split(request.url)
    sections = (
        Section(_("Query"), pairs_of(request.query_string)),
        Section(_("Headers"), pairs_of(request.headers)),
        Section(_("Cookies"), pairs_of(request.cookies)),
        Section(_("Environment of the server"), pairs_of(request.env)),
    )
    return RequestView(
        method=request.method,
        origin=origin,
        tail=tail or "/",
        sections=tuple(section for section in sections if section.pairs),
        body=_body(request.data),
        curl=_curl(request) if request.url else "",
    )


def _body(data: Json) -> str:
    if data is None or data == "":
        return ""
    return data if isinstance(data, str) else msgspec.json.format(msgspec.json.encode(data), indent=2).decode()


def _curl(request: Request) -> str:
    """A command that sends the request again, without what was filtered."""
    query = urlencode(request.query_string)
    url = f"{request.url}?{query}" if query and "?" not in request.url else request.url
    parts = ["curl"]
    if request.method and request.method != "GET":
        parts += ["-X", request.method]
    parts.append(url)
    for name, value in request.headers:
        if FILTERED not in value and name.lower() not in ("content-length", "host", "connection", "accept-encoding"):
            parts += ["-H", f"{name}: {value}"]
    if request.data is not None:
        parts += [
            "--data-raw",
            request.data if isinstance(request.data, str) else msgspec.json.encode(request.data).decode(),
        ]
    return " ".join(shlex.quote(part) for part in parts)


def contexts_of(event: Event) -> tuple[Section, ...]:
    """The user, what the app added, and what the SDK knows of its surroundings."""
    sections = [Section(_("User"), _user_pairs(event.user)), Section(_("Additional data"), pairs_of(event.extra))]
    for name, context in event.contexts.items():
        if isinstance(context, Mapping):
            known = {key: value for key, value in context.items() if key != "type" and value is not None}
            sections.append(Section(_CONTEXTS.get(name, name), pairs_of(known)))
        elif context is not None:
            sections.append(Section(name, pairs_of({name: context})))
    if event.message_params:
        sections.append(Section(_("Message parameters"), pairs_of({"params": event.message_params})))
    sdk = " ".join(part for part in (event.sdk.name, event.sdk.version) if part)
    sections.append(Section(_("SDK"), pairs_of({"name": sdk, "platform": event.platform}) if sdk else ()))
    return tuple(section for section in sections if section.pairs)


def _user_pairs(user: User | None) -> tuple[Pair, ...]:
    if user is None:
        return ()
    known = {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "name": user.name,
        "ip_address": user.ip_address,
    }
    return pairs_of({**{key: value for key, value in known.items() if value}, **user.data})


_CONTEXTS = {
    "trace": _("Trace"),
    "browser": _("Browser"),
    "runtime": _("Runtime"),
    "os": _("Operating system"),
    "device": _("Device"),
    "app": _("App"),
    "culture": _("Culture"),
    "cloud_resource": _("Cloud"),
    "gpu": _("GPU"),
    "response": _("Response"),
}


def notes_of(event: Event) -> tuple[str, ...]:
    """What was cut or could not be used, each as a sentence."""
    return tuple(_note(note) for note in event.notes)


def _note(note: Note) -> str:
    if note.original_length is not None:
        return _("%(path)s: %(reason)s, %(n)s before.", path=note.path, reason=note.reason, n=note.original_length)
    return _("%(path)s: %(reason)s.", path=note.path, reason=note.reason)
