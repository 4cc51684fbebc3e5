"""What of a stack trace says where the bug is: the app's own frames, told once however often they recur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.frame_key import FrameKey, is_in_app, is_minified, key_of
from bugwatch.domain.stacktrace import Frame

MAX_FRAMES = 30
_LONGEST_CYCLE = 3
_CONTEXT_LENGTH = 120

# Functions that report other people's errors. Crashing in one of them says little: the message has to help.
_WRAPPERS = """
abort assert assertion capture_exception capture_message captureException captureMessage check_response
checkResponse create_error createError critical die error error_handler errorFormatter errorHandler exception fail
formatError getTRPCErrorFromUnknown handle_error handleError handleRejection invariant log log_error logError
onError onUnhandledRejection panic raise_error raise_exception raise_for_status raise_from report_error reportError
reraise throw_error throwError unhandledRejection warn warning
"""
WRAPPERS = frozenset(_WRAPPERS.split())


@dataclass(frozen=True, slots=True)
class StackKey:
    """`lines` oldest first. `crash` is the crash-nearest frame of the app, or of anybody if none is the app's own."""

    lines: tuple[str, ...] = ()
    frame_count: int = 0
    is_own: bool = False
    crash: Frame | None = None
    is_minified: bool = False
    bundle: str = ""
    is_wrapper: bool = False


def read_stack(frames: Sequence[Frame], platform: str) -> StackKey:
    """The key of a stack trace (frames oldest first); `platform` is the event's."""
    counted = _own(frames, platform)
    is_own = bool(counted)
    counted = counted or _anybodys(frames, platform)
    if not counted:
        return StackKey(frame_count=len(frames), crash=frames[-1] if frames else None)
    crash, crash_key = counted[-1]
    return StackKey(
        lines=tuple(without_recursion(_lines(counted))[-MAX_FRAMES:]),
        frame_count=len(frames),
        is_own=is_own,
        crash=crash,
        is_minified=is_minified(crash, crash_key),
        bundle=crash_key.place,
        is_wrapper=crash_key.function in WRAPPERS,
    )


def _own(frames: Sequence[Frame], platform: str) -> list[tuple[Frame, FrameKey]]:
    # Most frames are a library's and say so: their keys are never made.
    keyed = ((frame, key_of(frame, platform)) for frame in frames if frame.in_app is not False)
    return [(frame, key) for frame, key in keyed if not key.is_noise and is_in_app(frame, key)]


def _anybodys(frames: Sequence[Frame], platform: str) -> list[tuple[Frame, FrameKey]]:
    keyed = ((frame, key_of(frame, platform)) for frame in frames)
    return [(frame, key) for frame, key in keyed if not key.is_noise]


def _lines(frames: Sequence[tuple[Frame, FrameKey]]) -> list[str]:
    """One line a frame. Unnamed functions are known by their source, browsers, which disagree, leave them out."""
    lines = [
        key.text if key.function else _by_context(frame, key)
        for frame, key in frames
        if key.function or not key.is_browser_like
    ]
    return lines or [_by_context(frame, key) for frame, key in frames]


def _by_context(frame: Frame, key: FrameKey) -> str:
    line = " ".join((frame.context_line or "").split())
    return f"{key.place}: {line}" if line and len(line) <= _CONTEXT_LENGTH else key.place


def without_recursion(lines: Sequence[str]) -> list[str]:
    """The lines with direct repeats, and repeats of two or three lines in turn, told once, however deep they went."""
    if len(set(lines)) == len(lines):
        return list(lines)
    told: list[str] = []
    for line in lines:
        told.append(line)
        for n in range(1, _LONGEST_CYCLE + 1):
            if told[-n:] == told[-2 * n : -n]:
                del told[-n:]
                break
    return told
