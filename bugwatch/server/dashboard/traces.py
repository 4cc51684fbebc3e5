"""A stack trace as the page shows it: exceptions newest first, frames crash first, library frames folded away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from bugwatch.domain.event import Event, ExceptionValue, Mechanism
from bugwatch.domain.frame_key import is_in_app, key_of
from bugwatch.domain.json import Json
from bugwatch.domain.stacktrace import Frame
from bugwatch.server.dashboard import source
from bugwatch.server.dashboard.raw_trace import raw_trace
from bugwatch.templates import gettext as _

# Longer values are cut on the page; the event's JSON has them whole.
LONGEST_VALUE = 2_000
_NOTHING = {"None", "null", "undefined", "nil", "NaN", ""}


@dataclass(frozen=True, slots=True)
class Variable:
    """A local variable. Suspicious: it holds nothing, and the failing line uses it."""

    name: str
    value: str
    is_suspicious: bool


@dataclass(frozen=True, slots=True)
class FrameView:
    """One call. `index` finds it again in its exception; library frames bring code and variables only when asked."""

    index: int
    path: str
    full_path: str
    function: str
    lineno: int | None
    colno: int | None
    is_app: bool
    is_crash: bool
    is_open: bool
    has_body: bool
    lines: tuple[source.Line, ...]
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """Neighbouring frames of code that is not the app's own."""

    packages: str
    frames: tuple[FrameView, ...]


@dataclass(frozen=True, slots=True)
class StackView:
    """One exception, or one thread. `relation` says how it belongs to the one above it; empty for the first."""

    index: int
    type: str
    value: str
    module: str
    relation: str
    is_unhandled: bool
    mechanism: str
    parts: tuple[FrameView | Library, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class TraceView:
    stacks: tuple[StackView, ...]
    frame_count: int
    raw: str
    has_library_frames: bool


def trace_of(event: Event) -> TraceView:
    """What the page shows. Of an event without exceptions: its threads, the crashed or current one first."""
    stacks = _exceptions(event) if event.exceptions else _threads(event)
    parts = [part for stack in stacks for part in stack.parts]
    libraries = [part for part in parts if isinstance(part, Library)]
    frame_count = len(parts) - len(libraries) + sum(len(library.frames) for library in libraries)
    return TraceView(stacks, frame_count, raw_trace(event), bool(libraries))


def frame_of(event: Event, stack: int, index: int) -> FrameView | None:
    """One frame with its code and variables, None if there is no such frame."""
    stacks = [exception.frames for exception in event.exceptions] or [thread.frames for thread in event.threads]
    if not (0 <= stack < len(stacks) and 0 <= index < len(stacks[stack])):
        return None
    frame = stacks[stack][index]
    return _view(frame, index, event.platform, is_app=False, is_crash=False, is_open=True, is_whole=True)


def newest_own_frame(event: Event) -> Frame | None:
    """The frame of the app's own code that is nearest to the crash."""
    for exception in reversed(event.exceptions):
        for frame in reversed(exception.frames):
            if is_in_app(frame, key_of(frame, event.platform)):
                return frame
    return None


def _exceptions(event: Event) -> tuple[StackView, ...]:
    found = []
    newest = len(event.exceptions) - 1
    for index in range(newest, -1, -1):
        exception = event.exceptions[index]
        mechanism = exception.mechanism or Mechanism()
        found.append(
            StackView(
                index=index,
                type=exception.type or _("Error"),
                value=exception.value,
                module=exception.module,
                relation="" if index == newest else _relation(exception),
                is_unhandled=mechanism.is_handled is False,
                mechanism=mechanism.type if mechanism.type not in ("generic", "chained") else "",
                parts=_parts(exception.frames, event.platform, is_main=index == newest),
                is_open=index == newest or newest < 4,
            )
        )
    return tuple(found)


def _relation(exception: ExceptionValue) -> str:
    origin = exception.mechanism.source if exception.mechanism else ""
    if origin == "__context__":
        return _("raised while handling")
    if "[" in origin:  # exceptions[0], errors[1]: a member of a group
        return _("part of the group")
    return _("caused by")


def _threads(event: Event) -> tuple[StackView, ...]:
    told = [(index, thread) for index, thread in enumerate(event.threads) if thread.frames]
    told.sort(key=lambda pair: (not pair[1].is_crashed, not pair[1].is_current))
    return tuple(
        StackView(
            index=index,
            type=_("Thread %(name)s", name=thread.name or thread.id),
            value=thread.state,
            module="",
            relation="",
            is_unhandled=thread.is_crashed,
            mechanism="",
            parts=_parts(thread.frames, event.platform, is_main=at == 0),
            is_open=at == 0,
        )
        for at, (index, thread) in enumerate(told)
    )


def _parts(frames: Sequence[Frame], platform: str, *, is_main: bool) -> tuple[FrameView | Library, ...]:
    own = [at for at, frame in enumerate(frames) if is_in_app(frame, key_of(frame, platform))]
    # Where nothing is the app's own, the crash is what there is to see, and nothing is folded away.
    opened = own[-1] if own else len(frames) - 1
    views = [
        _view(
            frame,
            at,
            platform,
            is_app=at in own,
            is_crash=at == len(frames) - 1,
            is_open=is_main and at == opened,
            is_whole=at in own or at == opened,
        )
        for at, frame in enumerate(frames)
    ]
    if not own:
        return tuple(reversed(views))
    parts: list[FrameView | Library] = []
    for is_app, group in groupby(reversed(views), key=lambda view: view.is_app):
        members = tuple(group)
        parts += members if is_app else [Library(_packages([frames[view.index] for view in members]), members)]
    return tuple(parts)


def _view(
    frame: Frame, index: int, platform: str, *, is_app: bool, is_crash: bool, is_open: bool, is_whole: bool
) -> FrameView:
    has_code = frame.context_line is not None or bool(frame.pre_context or frame.post_context)
    path = frame.filename or frame.abs_path or frame.module or frame.package or _("unknown place")
    return FrameView(
        index=index,
        path=path,
        full_path=frame.abs_path or path,
        function=frame.function or frame.raw_function or _("anonymous"),
        lineno=frame.lineno,
        colno=frame.colno,
        is_app=is_app,
        is_crash=is_crash,
        is_open=is_open and (has_code or bool(frame.vars)),
        has_body=has_code or bool(frame.vars),
        lines=_code(frame, platform) if has_code and is_whole else (),
        variables=_variables(frame) if is_whole else (),
    )


def _code(frame: Frame, platform: str) -> tuple[source.Line, ...]:
    line = () if frame.context_line is None else (frame.context_line,)
    texts = [text.rstrip("\r\n") for text in (*frame.pre_context, *line, *frame.post_context)]
    hit = frame.lineno if frame.lineno is not None else len(frame.pre_context) + 1
    first = max(hit - len(frame.pre_context), 1)
    name = frame.filename or frame.abs_path
    return source.lines(
        texts, first, first + len(frame.pre_context) if line else None, name, frame.platform or platform
    )


def _variables(frame: Frame) -> tuple[Variable, ...]:
    used = set(re.findall(r"\w+", frame.context_line or ""))
    shown = [(name, shorten(value)) for name, value in frame.vars.items()]
    found = [Variable(name, value, name in used and value in _NOTHING) for name, value in shown]
    return tuple(sorted(found, key=lambda variable: not variable.is_suspicious))


def shorten(value: Json) -> str:
    """A value in one text: strings as they are (SDKs send a `repr`), all else as JSON; cut at `LONGEST_VALUE`."""
    if value is None:
        return "None"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _packages(frames: Sequence[Frame]) -> str:
    """The libraries that these frames belong to, in their order, at most three."""
    names = dict.fromkeys(name for frame in frames if (name := _package(frame)))
    told = ", ".join(list(names)[:3])
    return f"{told}, …" if len(names) > 3 else told


def _package(frame: Frame) -> str:
    inside = re.search(
        r"(?:node_modules|site-packages|dist-packages|gems|vendor)/(@[\w.-]+/[\w.-]+|[\w.-]+)", frame.abs_path
    )
    if inside:
        return inside[1].removesuffix(".py")
    if frame.package:
        return frame.package.rpartition("/")[2]
    dotted = frame.module.split(".")
    return ".".join(dotted[:2]) if dotted[0] in ("org", "com", "io", "java", "javax", "net", "ch") else dotted[0]
