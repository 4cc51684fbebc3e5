"""Exceptions and their mechanisms: a list, `{"values": list}` or a single object; oldest cause first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bugwatch.domain.event import ExceptionValue, Mechanism
from bugwatch.domain.json import JsonObject
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, bag, line, prose
from bugwatch.protocol.event_stacktrace import elements, flag, frames_of
from bugwatch.protocol.known_parts import KnownParts

T = TypeVar("T")

# `ValueError: the rest`, where an SDK puts the whole into `value`.
_TYPE_IN_VALUE = re.compile(r"(\w{1,128}):[ \t]*(?=\S)")


def exceptions_of(value: Any, path: str, notes: Notes) -> tuple[ExceptionValue, ...]:
    """Every exception that says anything: its type, its text or its frames."""
    found = [
        _exception(item, f"{path}.{index}", notes) for index, item in _newest(elements(value, path, notes), path, notes)
    ]
    return tuple([item for item in found if item is not None])


def _newest(values: Sequence[T], path: str, notes: Notes) -> Sequence[T]:
    """The last of too many: on the wire the outermost exception comes last."""
    if len(values) > limits.EXCEPTIONS:
        notes.add(path, f"cut to the last {limits.EXCEPTIONS} exceptions", len(values))
    return values[-limits.EXCEPTIONS :]


def _exception(item: dict[str, Any], path: str, notes: Notes) -> ExceptionValue | None:
    """One exception, or None where there is neither type nor text nor stack."""
    how = _MECHANISMS.of(item.get("mechanism"), f"{path}.mechanism", notes)
    name = line(item.get("type"), limits.EXCEPTION_TYPE, f"{path}.type", notes)
    text = prose(item.get("value"), limits.MESSAGE, f"{path}.value", notes)
    frames = frames_of(item.get("stacktrace"), f"{path}.stacktrace", notes)
    # A message that an SDK wrapped into an exception for its stack is synthetic: there "Payment: refused" is all text.
    if not name and not (how and how.is_synthetic) and (start := _TYPE_IN_VALUE.match(text)):
        name, text = start[1], text[start.end() :]
    if not name and not text and not frames:
        notes.add(path, "dropped, it has neither type nor value nor stack trace")
        return None
    return ExceptionValue(
        type=name,
        value=text,
        module=line(item.get("module"), limits.FUNCTION, f"{path}.module", notes),
        thread_id=line(item.get("thread_id"), limits.NAME, f"{path}.thread_id", notes),
        mechanism=how,
        frames=frames,
    )


def _mechanism(value: Any, path: str, notes: Notes) -> Mechanism | None:
    if not isinstance(value, dict) or not value:
        if value:
            notes.add(path, "dropped, it is not an object")
        return None
    fields: dict[str, Any] = {}
    for key, item in value.items():
        if key in _MECHANISM_FIELDS:
            name, understand = _MECHANISM_FIELDS[key]
            fields[name] = understand(item, f"{path}.{key}", notes)
    return Mechanism(**fields)


def _name(value: Any, path: str, notes: Notes) -> str:
    return line(value, limits.NAME, path, notes)


def _description(value: Any, path: str, notes: Notes) -> str:
    return prose(value, limits.MESSAGE, path, notes)


def _link(value: Any, path: str, notes: Notes) -> str:
    return line(value, limits.URL, path, notes)


def _detail(value: Any, path: str, notes: Notes) -> JsonObject:
    return bag(value, limits.DETAIL, path, notes)


def _flag(value: Any, path: str, notes: Notes) -> bool | None:
    return flag(value)


def _is_true(value: Any, path: str, notes: Notes) -> bool:
    return value is True


def _number(value: Any, path: str, notes: Notes) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


# Key on the wire: our name for it, and how to understand its value.
_MECHANISM_FIELDS: dict[str, tuple[str, Callable[[Any, str, Notes], Any]]] = {
    "type": ("type", _name),
    "handled": ("is_handled", _flag),
    "synthetic": ("is_synthetic", _is_true),
    "is_exception_group": ("is_exception_group", _is_true),
    "exception_id": ("exception_id", _number),
    "parent_id": ("parent_id", _number),
    "source": ("source", _name),
    "description": ("description", _description),
    "help_link": ("help_link", _link),
    "data": ("data", _detail),
    "meta": ("meta", _detail),
}
_MECHANISMS = KnownParts(_mechanism)


def place_root_frames(
    exceptions: tuple[ExceptionValue, ...], threads: tuple[Thread, ...], frames: tuple[Frame, ...]
) -> tuple[tuple[ExceptionValue, ...], tuple[Thread, ...]]:
    """Old clients put the stack at the event's root: it belongs to the only exception without one, else to a thread."""
    bare = [index for index, item in enumerate(exceptions) if not item.frames]
    if frames and len(bare) == 1:
        exceptions = (*exceptions[: bare[0]], replace(exceptions[bare[0]], frames=frames), *exceptions[bare[0] + 1 :])
    elif frames and not exceptions and not any(thread.frames for thread in threads if thread.is_involved):
        threads = (*threads, Thread(is_current=True, frames=frames))
    return exceptions, threads
