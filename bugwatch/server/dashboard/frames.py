"""A frame as the page shows it: code in colours, variables, a link to its source, and what source maps did to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from bugwatch.domain.frame_key import FAMILIES
from bugwatch.domain.json import Json
from bugwatch.domain.source_link import NOWHERE, SourceLink, url_of
from bugwatch.domain.stacktrace import Frame
from bugwatch.server.dashboard import source
from bugwatch.server.dashboard.origins import OriginView, origin_of
from bugwatch.templates import gettext as _

# Longer values are folded away, and cut at the second length; the event's JSON has them whole.
SHORT_VALUE = 120
LONGEST_VALUE = 2_000
_PREFIX = re.compile(r"^(?:/?\./)+")  # of webpack:///./src
_NOTHING = {"None", "null", "undefined", "nil", "NaN", ""}


@dataclass(frozen=True, slots=True)
class Variable:
    """A local variable: in one line, and in full where that is more. Suspicious: it holds nothing, and the failing
    line uses it."""

    name: str
    value: str
    full: str
    is_suspicious: bool


@dataclass(frozen=True, slots=True)
class FrameView:
    """One call. `index` finds it again in its exception. `is_later`: it has more to show, which is brought when it is
    opened."""

    index: int
    path: str
    full_path: str
    function: str
    lineno: int | None
    colno: int | None
    address: str
    is_app: bool
    is_crash: bool
    is_open: bool
    has_body: bool
    is_later: bool
    source_url: str
    lines: tuple[source.Line, ...]
    variables: tuple[Variable, ...]
    origin: OriginView | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What frames are seen in: their event's platform and release, and how their project links to its source."""

    platform: str
    release: str = ""
    link: SourceLink = NOWHERE


def view_of(
    frame: Frame, index: int, around: Surroundings, *, is_crash: bool = False, is_open: bool = False, is_whole: bool
) -> FrameView:
    """The frame; with code and variables if it `is_whole`."""
    has_code = frame.context_line is not None or bool(frame.pre_context or frame.post_context)
    has_body = has_code or bool(frame.vars) or frame.origin is not None
    is_app = bool(frame.in_app)
    is_source = frame.origin is None or frame.origin.verdict.is_mapped
    path = _place(frame, around.platform) or _("unknown place")
    return FrameView(
        index=index,
        path=path,
        full_path=frame.abs_path or path,
        function=frame.function or frame.raw_function or _("anonymous"),
        lineno=frame.lineno,
        colno=frame.colno,
        address=address_of(frame) if frame.lineno is None else "",
        is_app=is_app,
        is_crash=is_crash,
        is_open=is_open and has_body,
        has_body=has_body,
        is_later=has_body and not is_whole,
        source_url=url_of(around.link, frame, around.platform, around.release) if is_app and is_source else "",
        lines=_code(frame, around.platform) if has_code and is_whole else (),
        variables=_variables(frame) if is_whole else (),
        origin=origin_of(frame),
    )


def _place(frame: Frame, platform: str) -> str:
    """The file as people name it: for the JVM its class, for Go with its package."""
    family = FAMILIES.get(frame.platform or platform)
    name = _PREFIX.sub("", frame.filename)
    if frame.module and family == "jvm":
        return frame.module
    if frame.module and family == "go" and name and "/" not in name:
        return f"{frame.module.rpartition('/')[2]}/{name}"
    return name or frame.abs_path or frame.module or frame.package


def address_of(frame: Frame) -> str:
    """Where native code was, in hexadecimal; empty if the frame does not say."""
    address = frame.rest.get("instruction_addr")
    return address if isinstance(address, str) else ""


def _code(frame: Frame, platform: str) -> tuple[source.Line, ...]:
    has_line = frame.context_line is not None
    texts = [*frame.pre_context, *((frame.context_line or "",) if has_line else ()), *frame.post_context]
    failing = frame.lineno if frame.lineno is not None else len(frame.pre_context) + 1
    first = max(failing - len(frame.pre_context), 1)
    return source.lines(
        [text.rstrip("\r\n") for text in texts],
        first,
        first + len(frame.pre_context) if has_line else None,
        frame.filename or frame.abs_path,
        frame.platform or platform,
        column=frame.colno,
    )


def _variables(frame: Frame) -> tuple[Variable, ...]:
    used = set(re.findall(r"\w+", frame.context_line or ""))
    found = [_variable(name, value, is_used=name in used) for name, value in frame.vars.items()]
    return tuple(sorted(found, key=lambda variable: not variable.is_suspicious))


def _variable(name: str, value: Json, *, is_used: bool) -> Variable:
    text = shorten(value)
    is_suspicious = is_used and text in _NOTHING
    if len(text) <= SHORT_VALUE and "\n" not in text.strip():
        return Variable(name, text, "", is_suspicious)
    return Variable(name, _one_line(text), shorten(value, indent=2), is_suspicious)


def _one_line(text: str) -> str:
    line = " ".join(text[: 2 * SHORT_VALUE].split())
    return line[: SHORT_VALUE - 1] + "…"


def shorten(value: Json, indent: int = 0) -> str:
    """A value in one text: strings as they are (SDKs send a `repr`), all else as JSON; cut at `LONGEST_VALUE`."""
    if value is None:
        return "None"
    if isinstance(value, str):
        text = value
    else:
        encoded = msgspec.json.encode(value)
        text = (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
