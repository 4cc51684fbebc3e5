"""A stack trace as the page shows it: exceptions newest first, frames crash first, library frames folded away, and what
repeats itself said once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TypeAlias

from bugwatch.domain.event import Event, ExceptionValue, Mechanism
from bugwatch.domain.source_link import NOWHERE, SourceLink
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.protocol.event_limits import FRAMES_NEWEST, FRAMES_OLDEST
from bugwatch.server.dashboard.frames import FrameView, Surroundings, address_of, view_of
from bugwatch.server.dashboard.origins import Gap, gaps_of
from bugwatch.server.dashboard.raw_trace import raw_trace, told_threads, unmapped
from bugwatch.templates import gettext as _

# How a trace is shown: the app's own frames with the others folded away, all frames, or as the platform prints it.
APP, ALL, RAW = MODES = ("app", "all", "raw")
# So many frames stand in the page with code and variables; the others bring theirs when they are opened.
WHOLE_FRAMES = 12
# More than so many are not listed at all, in how many exceptions whatsoever: the raw trace has them.
LISTED_FRAMES = 600
# Recursion is seen through at most so many functions that call each other in turn, from so many turns on.
LONGEST_CYCLE = 4
FEWEST_TURNS = 4
# All exceptions of a chain stand open unless they are more.
LONGEST_OPEN_CHAIN = 4
# A longer message is cut in the headline.
LONGEST_HEADLINE = 600
LINES_OF_HEADLINE = 5
_BUILT_IN = frozenset(("builtins", "exceptions"))  # modules that nobody writes before a type


@dataclass(frozen=True, slots=True)
class Repeat:
    """The `span` frames above come `times` more; `frame_count` frames are not shown for it."""

    span: int
    times: int
    frame_count: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Here are more frames: in the raw trace only, or (not `is_kept`) they were more than is kept of a trace."""

    frame_count: int
    is_kept: bool = False


Part: TypeAlias = FrameView | Repeat | LeftOut


@dataclass(frozen=True, slots=True)
class Library:
    """Neighbouring frames of code that is not the app's own."""

    packages: str
    frames: tuple[Part, ...]
    frame_count: int


@dataclass(frozen=True, slots=True)
class StackView:
    """One exception, or one thread. `relation` says how it belongs to the one above it; empty for the first. A long
    value is cut, and `whole_value` has all of it."""

    index: int
    type: str
    value: str
    whole_value: str
    module: str
    relation: str
    mechanism: str
    parts: tuple[Part | Library, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class TraceView:
    """`stacks` are empty in the raw mode, which fills `raw` and, if source maps changed the trace, `unmapped`: as it
    arrived."""

    mode: str
    stacks: tuple[StackView, ...]
    frame_count: int
    raw: str
    unmapped: str
    has_library_frames: bool
    gaps: tuple[Gap, ...]


def trace_of(event: Event, mode: str = APP, link: SourceLink = NOWHERE) -> TraceView | None:
    """What the page shows: exceptions, then the other threads, the crashed or current one first. None if the event has
    neither."""
    threads = told_threads(event)
    if not event.exceptions and not threads:
        return None
    all_frames = [exception.frames for exception in event.exceptions] + [thread.frames for thread in threads]
    frames = list(chain.from_iterable(all_frames))
    own_count = sum(bool(frame.in_app) for frame in frames)
    is_foldable = 0 < own_count < len(frames)
    if mode == APP and not is_foldable:
        mode = ALL
    stacks: tuple[StackView, ...] = ()
    if mode != RAW:
        around = Surroundings(event.platform, event.release, link)
        left = _Allowance()
        stacks = (*_exceptions(event, around, left), *_threads(event, threads, around, left))
    return TraceView(
        mode=mode,
        stacks=stacks,
        frame_count=len(frames) + sum(_left_out(event, path) for path in _paths(event, threads)),
        raw=raw_trace(event) if mode == RAW else "",
        unmapped=raw_trace(unmapped(event)) if mode == RAW and any(f.origin and f.origin.raw for f in frames) else "",
        has_library_frames=is_foldable,
        gaps=gaps_of(frames),
    )


def frame_of(event: Event, stack: int, index: int, link: SourceLink = NOWHERE) -> FrameView | None:
    """One frame with its code and variables, None if there is no such frame."""
    stacks = [exception.frames for exception in event.exceptions] + [thread.frames for thread in event.threads]
    if not (0 <= stack < len(stacks) and 0 <= index < len(stacks[stack])):
        return None
    around = Surroundings(event.platform, event.release, link)
    return view_of(stacks[stack][index], index, around, is_open=True, is_whole=True)


def newest_own_frame(event: Event) -> Frame | None:
    """The frame of the app's own code that is nearest to the crash."""
    stacks = [exception.frames for exception in reversed(event.exceptions)]
    stacks += [thread.frames for thread in told_threads(event)]
    return next((frame for frames in stacks for frame in reversed(frames) if frame.in_app), None)


class _Allowance:
    """How many more frames may be listed, and how many of them whole."""

    def __init__(self) -> None:
        self.listed = LISTED_FRAMES
        self.whole = WHOLE_FRAMES

    def take_whole(self) -> bool:
        self.whole -= 1
        return self.whole >= 0


def _exceptions(event: Event, around: Surroundings, left: _Allowance) -> Iterable[StackView]:
    newest = len(event.exceptions) - 1
    for index in range(newest, -1, -1):
        exception = event.exceptions[index]
        mechanism = exception.mechanism or Mechanism()
        yield StackView(
            index=index,
            type=exception.type or _("Error"),
            value=_shortened(exception.value),
            whole_value=exception.value if exception.value != _shortened(exception.value) else "",
            module="" if exception.module in _BUILT_IN else exception.module,
            relation="" if index == newest else _relation(exception),
            mechanism=mechanism.type if mechanism.type not in ("generic", "chained") else "",
            parts=_parts(
                exception.frames,
                around,
                left,
                _left_out(event, f"exception.values.{index}.stacktrace.frames"),
                is_main=index == newest,
            ),
            # Of a long chain what came last, and where it all began.
            is_open=index in (0, newest) or newest < LONGEST_OPEN_CHAIN,
        )


def _shortened(value: str) -> str:
    lines = value[:LONGEST_HEADLINE].split("\n")
    short = "\n".join(lines[:LINES_OF_HEADLINE])
    return value if short == value else short + "…"


def _relation(exception: ExceptionValue) -> str:
    origin = exception.mechanism.source if exception.mechanism else ""
    if origin == "__context__":
        return _("raised while handling")
    if "[" in origin:  # exceptions[0], errors[1]: a member of a group
        return _("part of the group")
    return _("caused by")


def _threads(event: Event, threads: Sequence[Thread], around: Surroundings, left: _Allowance) -> Iterable[StackView]:
    for at, thread in enumerate(threads):
        index = event.threads.index(thread)
        is_main = at == 0 and not event.exceptions
        yield StackView(
            index=len(event.exceptions) + index,
            type=_("Thread %(name)s", name=thread.name or thread.id),
            value=thread.state,
            whole_value="",
            module="",
            relation=_("other threads") if at == 0 and event.exceptions else "",
            mechanism="",
            parts=_parts(
                thread.frames,
                around,
                left,
                _left_out(event, f"threads.values.{index}.stacktrace.frames"),
                is_main=is_main,
                is_crashed=thread.is_involved,
            ),
            is_open=is_main,
        )


def _paths(event: Event, threads: Sequence[Thread]) -> Iterable[str]:
    """Where the frames of each stack stand, as notes name it."""
    places = [
        *(f"exception.values.{index}" for index in range(len(event.exceptions))),
        *(f"threads.values.{event.threads.index(thread)}" for thread in threads),
    ]
    return (f"{place}.stacktrace.frames" for place in places)


def _left_out(event: Event, path: str) -> int:
    """How many frames were taken out of the middle of this list when the event was read."""
    length = next((note.original_length for note in event.notes if note.path == path), None)
    return max((length or 0) - FRAMES_OLDEST - FRAMES_NEWEST, 0)


def _parts(
    frames: Sequence[Frame],
    around: Surroundings,
    left: _Allowance,
    left_out: int,
    *,
    is_main: bool,
    is_crashed: bool = True,
) -> tuple[Part | Library, ...]:
    own = {at for at, frame in enumerate(frames) if frame.in_app}
    # Where nothing is the app's own, the crash is what there is to see, and nothing is folded away.
    opened = max(own, default=len(frames) - 1)
    views: list[tuple[bool, Part]] = []
    for part in _unrolled(frames, left_out):
        if not isinstance(part, int):
            # What repeats is told where it can be seen: beside the frame of the app's own in it.
            told_of = views[-part.span :] if isinstance(part, Repeat) else views[-1:]
            views.append((any(is_own for is_own, _view in told_of), part))
            continue
        if not left.listed:
            views.append((not views or views[-1][0], LeftOut(part + 1, is_kept=True)))
            break
        left.listed -= 1
        view = view_of(
            frames[part],
            part,
            around,
            is_crash=is_crashed and part == len(frames) - 1,
            is_open=is_main and part == opened,
            is_whole=(part in own or part == opened) and left.take_whole(),
        )
        views.append((part in own, view))
    if not own:
        return tuple(view for _is_own, view in views)
    grouped = groupby(views, key=lambda pair: pair[0])
    return tuple(chain.from_iterable(_folded(frames, is_own, group) for is_own, group in grouped))


def _folded(frames: Sequence[Frame], is_own: bool, group: Iterable[tuple[bool, Part]]) -> Sequence[Part | Library]:
    parts = tuple(part for _is_own, part in group)
    if is_own:
        return parts
    packages = _packages(frames[part.index] for part in parts if isinstance(part, FrameView))
    count = sum(1 if isinstance(part, FrameView) else part.frame_count for part in parts)
    return [Library(packages, parts, count)]


def _unrolled(frames: Sequence[Frame], left_out: int) -> Iterable[int | Repeat | LeftOut]:
    """The frames' places, crash first; of a recursion one turn, and how often it repeats."""
    names = [
        (f.function, f.module, f.package, f.abs_path or f.filename, f.lineno, f.colno, address_of(f))
        for f in reversed(frames)
    ]
    at, last = 0, len(names) - 1
    while at <= last:
        span, turns = _cycle(names, at)
        following = at + span * turns
        is_cut = left_out > 0 and last - following < FRAMES_OLDEST <= last - at
        yield from (last - n for n in range(at, at + span))
        if turns > 1:
            times = turns - 1 + (left_out // span if is_cut else 0)
            yield Repeat(span, times, span * times)
        elif is_cut:
            yield LeftOut(left_out)
        at = following


def _cycle(names: Sequence[object], at: int) -> tuple[int, int]:
    """How many names from `at` on belong to one turn of a recursion, and how many turns follow each other; (1, 1) if
    it is none."""
    for span in range(1, LONGEST_CYCLE + 1):
        end = at + span
        while end < len(names) and names[end] == names[end - span]:
            end += 1
        turns = (end - at) // span
        if turns >= FEWEST_TURNS:
            return span, turns
    return 1, 1


def _packages(frames: Iterable[Frame]) -> str:
    """The libraries that these frames belong to, in their order, at most three."""
    names = dict.fromkeys(name for frame in frames if (name := _package(frame)))
    told = ", ".join(list(names)[:3])
    return f"{told}, …" if len(names) > 3 else told


# The last folder on the way into which packages are installed; PHP's and scoped ones have two names.
_INSTALLED = re.compile(
    r".*(?:(?:node_modules|site-packages|dist-packages|gems)/(@[\w.-]+/[\w.-]+|[\w.-]+)|vendor/([\w.-]+/[\w.-]+))/?"
)
_GEM_VERSION = re.compile(r"-\d[\w.]*$")
_DOMAINS = frozenset(
    (
        "android",
        "androidx",
        "ch",
        "com",
        "de",
        "dev",
        "io",
        "jakarta",
        "java",
        "javax",
        "jdk",
        "kotlinx",
        "net",
        "org",
        "sun",
    )
)


def _package(frame: Frame) -> str:
    inside = _INSTALLED.match((frame.abs_path or frame.filename).replace("\\", "/"))
    if inside:
        return _GEM_VERSION.sub("", (inside[1] or inside[2]).removesuffix(".py"))
    if frame.package:
        return frame.package.rpartition("/")[2]
    if "/" in frame.module:  # Go: github.com/gin-gonic/gin
        return re.sub(r"^(github|gitlab)\.com/[^/]+/", "", frame.module).partition("/")[0]
    dotted = frame.module.split(".")
    return ".".join(dotted[:2]) if dotted[0] in _DOMAINS else dotted[0]
