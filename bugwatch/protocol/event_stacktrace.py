"""Stack traces and threads. Frames come whole (as objects) or lean (as `LeanFrame`), crash frame last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import astuple

from bugwatch.domain.stacktrace import NOTHING, Frame, SharedFrames, Thread
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, bag, line, prose, verbatim, without_nul
from bugwatch.protocol.event_shapes import LeanFrame

T = TypeVar("T")

MAX_POSITION = 2**31 - 1
_INTERPRETED = frozenset(Frame.__annotations__) - {"rest", "origin"}


def elements(value: Any, path: str, notes: Notes) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a list, of `{"values": list}` or of a single object, each with its index; the rest is dropped."""
    if isinstance(value, dict):
        value = value.get("values", [value] if value else None)
    if value is None:
        return []
    if not isinstance(value, list):
        notes.add(path, "dropped, it is not a list")
        return []
    found = [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]
    if len(found) < len(value) - value.count(None):
        notes.add(path, "elements that are not objects were dropped")
    return found


def frames_of(stacktrace: Any, path: str, notes: Notes) -> tuple[Frame, ...]:
    """The frames of a `stacktrace` object (or of a bare list of frames), crash frame last."""
    if isinstance(stacktrace, list):
        stacktrace = {"frames": stacktrace}
    if not isinstance(stacktrace, dict):
        if stacktrace is not None:
            notes.add(path, "dropped, it is not an object")
        return ()
    frames, path = stacktrace.get("frames"), f"{path}.frames"
    if isinstance(frames, tuple):
        return _remembered.frames(frames, path, notes)
    if not isinstance(frames, list):
        if frames is not None:
            notes.add(path, "dropped, it is not a list")
        return ()
    return tuple(
        _frame(frame, f"{path}.{index}", notes) for index, frame in _ends(elements(frames, path, notes), path, notes)
    )


def _ends(frames: Sequence[T], path: str, notes: Notes) -> Sequence[T]:
    """Of too many frames the oldest and the newest: where it began and where it crashed, without what lies between."""
    if len(frames) <= limits.FRAMES_OLDEST + limits.FRAMES_NEWEST:
        return frames
    notes.add(path, f"cut to {limits.FRAMES_OLDEST} oldest and {limits.FRAMES_NEWEST} newest frames", len(frames))
    return [*frames[: limits.FRAMES_OLDEST], *frames[-limits.FRAMES_NEWEST :]]


def _frame(frame: dict[str, Any], path: str, notes: Notes) -> Frame:
    def name(key: str, limit: int) -> str:
        return verbatim(frame.get(key), limit, f"{path}.{key}", notes)

    filename, abs_path = places(name("filename", limits.PATH), name("abs_path", limits.PATH))
    return Frame(
        function=_known(name("function", limits.FUNCTION)),
        raw_function=name("raw_function", limits.FUNCTION),
        module=name("module", limits.FUNCTION),
        package=name("package", limits.FUNCTION),
        filename=filename,
        abs_path=abs_path,
        platform=name("platform", limits.NAME),
        lineno=_position(frame.get("lineno"), f"{path}.lineno", notes),
        colno=_position(frame.get("colno"), f"{path}.colno", notes),
        in_app=flag(frame.get("in_app")),
        context_line=_source_line(frame.get("context_line"), f"{path}.context_line", notes),
        pre_context=_source_lines(frame.get("pre_context"), f"{path}.pre_context", notes)[-limits.CONTEXT_LINES :],
        post_context=_source_lines(frame.get("post_context"), f"{path}.post_context", notes)[: limits.CONTEXT_LINES],
        vars=bag(frame.get("vars"), limits.VARS, f"{path}.vars", notes),
        rest=_rest(frame, path, notes),
    )


class _Remembered:
    """Stack traces by how they came: the same bug sends the same frames again and again, and this is the inner loop."""

    def __init__(self, most: int) -> None:
        self._most = most  # characters in all of them
        self._held = 0
        self._stacks: dict[tuple[LeanFrame | None, ...], SharedFrames] = {}

    def frames(self, lean: tuple[LeanFrame | None, ...], path: str, notes: Notes) -> SharedFrames:
        return self._stacks.get(lean) or self._learn(lean, path, notes)

    def _learn(self, lean: tuple[LeanFrame | None, ...], path: str, notes: Notes) -> SharedFrames:
        whole = [frame for frame in lean if frame is not None]
        frames = SharedFrames(map(_lean_frame, _ends(whole, path, notes)))
        if len(frames) == len(whole):  # else each event has to say again that it was cut
            size = sum(map(_size_of, whole))
            if self._held + size > self._most:
                self._stacks.clear()
                self._held = 0
            self._stacks[lean] = frames
            self._held += size
        return frames


_remembered = _Remembered(most=4 * 2**20)


def _size_of(frame: LeanFrame) -> int:
    return 100 + sum(len(text) for text in astuple(frame) if isinstance(text, str))


def _lean_frame(frame: LeanFrame) -> Frame:
    """As `_frame`, for what decoding has already checked."""

    def text(value: str | None) -> str:
        return without_nul(value) if value else ""

    filename, abs_path = places(text(frame.filename), text(frame.abs_path))
    return Frame(
        function=_known(text(frame.function)),
        raw_function=text(frame.raw_function),
        module=text(frame.module),
        package=text(frame.package),
        filename=filename,
        abs_path=abs_path,
        platform=text(frame.platform),
        lineno=_positive(frame.lineno),
        colno=_positive(frame.colno),
        in_app=frame.in_app,
        context_line=None if frame.context_line is None else without_nul(frame.context_line).rstrip("\r\n"),
    )


def _known(function: str) -> str:
    """SDKs say `?` where they do not know the function."""
    return "" if function == "?" else function


def places(filename: str, abs_path: str) -> tuple[str, str]:
    """(filename, abs_path): each stands in for the other where it is missing; of a URL, its path names the file."""
    filename, abs_path = filename or abs_path, abs_path or filename
    return (_path_of(filename) or filename if "://" in filename else filename), abs_path


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # such as http://[
        return ""


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _position(value: Any, path: str, notes: Notes) -> int | None:
    """A line or column from 1 on. SDKs send 0 or less for "none" (PHP 0, Java -2), and some a number in quotes."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_POSITION:
        if value is not None:
            notes.add(path, "dropped, it is not a line or column number")
        return None
    return _positive(value)


def _positive(position: int | None) -> int | None:
    return position if position and position > 0 else None


def _source_line(value: Any, path: str, notes: Notes) -> str | None:
    return None if value is None else prose(value, limits.SOURCE_LINE, path, notes).rstrip("\r\n")


def _source_lines(value: Any, path: str, notes: Notes) -> tuple[str, ...]:
    if not isinstance(value, list):
        if value is not None:
            notes.add(path, "dropped, it is not a list of lines")
        return ()
    return tuple(_source_line(item, path, notes) or "" for item in value)


def _rest(frame: dict[str, Any], path: str, notes: Notes) -> Any:
    rest = {key: value for key, value in frame.items() if key not in _INTERPRETED and value not in (None, "", {}, [])}
    return bag(rest, limits.DETAIL, path, notes) if rest else NOTHING


def threads_of(value: Any, path: str, notes: Notes) -> tuple[Thread, ...]:
    """All threads that the SDK listed, also those without a stack."""
    threads = _first(elements(value, path, notes), path, notes)
    return tuple([_thread(item, f"{path}.{index}", notes) for index, item in threads])


def _first(threads: Sequence[T], path: str, notes: Notes) -> Sequence[T]:
    """The first of too many threads."""
    if len(threads) > limits.THREADS:
        notes.add(path, f"cut to the first {limits.THREADS} threads", len(threads))
    return threads[: limits.THREADS]


def _thread(item: dict[str, Any], path: str, notes: Notes) -> Thread:
    return Thread(
        id=line(item.get("id"), limits.NAME, f"{path}.id", notes),
        name=line(item.get("name"), limits.THREAD_NAME, f"{path}.name", notes),
        is_crashed=item.get("crashed") is True,
        is_current=item.get("current") is True,
        state=line(item.get("state"), limits.NAME, f"{path}.state", notes),
        frames=_thread_frames(item, f"{path}.stacktrace", notes),
    )


def _thread_frames(item: dict[str, Any], path: str, notes: Notes) -> tuple[Frame, ...]:
    """The thread's frames; lean ones only where it is involved, because a dump of all threads has thousands."""
    stacktrace = item.get("stacktrace")
    is_lean = isinstance(stacktrace, dict) and isinstance(stacktrace.get("frames"), tuple)
    is_involved = item.get("crashed") is True or item.get("current") is True
    return frames_of(stacktrace, path, notes) if is_involved or not is_lean else ()
