"""What of a stack trace says where the bug is: the app's own frames, told once however often they recur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.frame_key import FrameKey, is_in_app, is_minified, key_of
from bugwatch.domain.stacktrace import Frame, SharedFrames

MAX_FRAMES = 30
_LONGEST_CYCLE = 3
_CONTEXT_LENGTH = 120

# Functions that report other people's errors. Crashing in one of them says little: the message has to help.
_WRAPPERS = """
abort assert assertion capture_exception capture_message captureException captureMessage check_response check_status
checkArgument checkNotNull checkNotNullParameter checkParameterIsNotNull checkResponse checkState checkStatus
create_error createError critical die EnsureSuccessStatusCode ensureSuccessStatusCode error error_handler
errorFormatter errorHandler exception fail formatError getTRPCErrorFromUnknown handle_error handleError
handleRejection invariant isTrue log log_error logError notNull onError onUnhandledRejection panic raise_error
raise_exception raise_for_status raise_from rejectPromise report_error reportError requireNonNull requireNotNull
reraise settle throw_error throwError throwUninitializedPropertyAccessException unhandledRejection warn warning
"""
WRAPPERS = frozenset(_WRAPPERS.split())

# Where the SDK sends the source of the crash in production too, and no two engines disagree on which line it is.
_TELLING_LINES = frozenset({"python", "php", "ruby", "node"})


@dataclass(frozen=True, slots=True)
class StackKey:
    """`lines` oldest first. `crash` is the crash-nearest frame of the app, or of anybody if none is the app's own.

    `crash_line` is its source: it tells two mistakes in one function apart, and moves with the code.
    """

    lines: tuple[str, ...] = ()
    frame_count: int = 0
    is_own: bool = False
    crash: Frame | None = None
    crash_line: str = ""
    is_minified: bool = False
    bundle: str = ""
    is_wrapper: bool = False


_Keyed = list[tuple[Frame, FrameKey]]


def read_stack(frames: Sequence[Frame], platform: str) -> StackKey:
    """The key of a stack trace (frames oldest first); `platform` is the event's."""
    if not isinstance(frames, SharedFrames):
        return _read(frames, platform)
    key = frames.found.get(platform)
    if not isinstance(key, StackKey):
        key = frames.found[platform] = _read(frames, platform)
    return key


def _read(frames: Sequence[Frame], platform: str) -> StackKey:
    counted = _own(frames, platform)
    is_own = bool(counted)
    counted = _after_last_wait(counted or _anybodys(frames, platform))
    if not counted:
        return StackKey(frame_count=len(frames), crash=frames[-1] if frames else None)
    crash, crash_key = counted[-1]
    has_minified_crash = is_minified(crash, crash_key)
    if crash_key.is_browser_like and not has_minified_crash:
        counted = [(frame, key) for frame, key in counted if not is_minified(frame, key)]
    return StackKey(
        lines=tuple(without_recursion(_lines(counted))[-MAX_FRAMES:]),
        frame_count=len(frames),
        is_own=is_own,
        crash=crash,
        crash_line=_source(crash) if is_own and (crash.platform or platform) in _TELLING_LINES else "",
        is_minified=has_minified_crash,
        bundle=crash_key.place,
        is_wrapper=_is_wrapper(crash_key) or _is_wrapper(key_of(frames[-1], platform)),
    )


def _own(frames: Sequence[Frame], platform: str) -> _Keyed:
    own = []
    for frame in frames:
        if frame.in_app is False:  # most are a library's and say so: their keys are never made
            continue
        key = key_of(frame, platform)
        if not key.is_noise and is_in_app(frame, key):
            own.append((frame, key))
    return own


def _anybodys(frames: Sequence[Frame], platform: str) -> _Keyed:
    keyed = ((frame, key_of(frame, platform)) for frame in frames)
    return [(frame, key) for frame, key in keyed if not key.is_noise]


def _after_last_wait(counted: _Keyed) -> _Keyed:
    """Without the async callers: Chrome and Firefox remember them, in different ways, and Safari does not."""
    waits = [index for index, (_, key) in enumerate(counted) if key.is_later]
    return counted[waits[-1] + 1 :] or counted if waits else counted


def _is_wrapper(key: FrameKey) -> bool:
    return key.function.rpartition("::")[2].rpartition(".")[2] in WRAPPERS


def _lines(frames: _Keyed) -> list[str]:
    """One line a frame. Unnamed functions are known by their source, browsers, which disagree, leave them out."""
    lines = [
        key.text if key.function else _by_context(frame, key)
        for frame, key in frames
        if key.function or not key.is_browser_like
    ]
    return lines or [_by_context(frame, key) for frame, key in frames]


def _by_context(frame: Frame, key: FrameKey) -> str:
    line = _source(frame)
    return f"{key.place}: {line}" if line else key.place


def _source(frame: Frame) -> str:
    """The frame's line of source, however it is laid out; nothing where it is too long to have been written by hand.

    Of evaluated text (`<string>`) the SDK shows a line of the file that evaluated it.
    """
    if frame.filename.startswith("<"):
        return ""
    line = " ".join((frame.context_line or "")[: 4 * _CONTEXT_LENGTH].split())
    return "" if len(line) > _CONTEXT_LENGTH or "{snip}" in line else line


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
