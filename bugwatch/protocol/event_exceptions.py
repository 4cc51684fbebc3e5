"""Exceptions and their mechanisms: a list, `{"values": list}` or a single object; oldest cause first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bugwatch.domain.event import ExceptionValue, Mechanism
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, bag, line, prose
from bugwatch.protocol.event_stacktrace import elements, flag, frames_of

T = TypeVar("T")

# `ValueError: the rest`, where an SDK puts the whole into `value`.
_TYPE_IN_VALUE = re.compile(r"(\w{1,128}):[ \t]*(?=\S)")


def exceptions_of(value: Any, path: str, notes: Notes) -> tuple[ExceptionValue, ...]:
    """Every exception that says anything: its type, its text or its frames."""
    found = [
        exception(
            item.get("type"),
            item.get("value"),
            item.get("module"),
            item.get("thread_id"),
            item.get("mechanism"),
            frames_of(item.get("stacktrace"), f"{path}.{index}.stacktrace", notes),
            f"{path}.{index}",
            notes,
        )
        for index, item in newest(elements(value, path, notes), path, notes)
    ]
    return tuple(item for item in found if item is not None)


def newest(values: Sequence[T], path: str, notes: Notes) -> Sequence[T]:
    """The last of too many: on the wire the outermost exception comes last."""
    if len(values) > limits.EXCEPTIONS:
        notes.add(path, f"cut to the last {limits.EXCEPTIONS} exceptions", len(values))
    return values[-limits.EXCEPTIONS :]


def exception(
    kind: Any,
    value: Any,
    module: Any,
    thread_id: Any,
    mechanism: Any,
    frames: tuple[Frame, ...],
    path: str,
    notes: Notes,
) -> ExceptionValue | None:
    """One exception, or None where there is neither type nor text nor stack."""
    how = _mechanism(mechanism, f"{path}.mechanism", notes)
    name = line(kind, limits.EXCEPTION_TYPE, f"{path}.type", notes)
    text = prose(value, limits.MESSAGE, f"{path}.value", notes)
    # A message that an SDK wrapped into an exception for its stack is synthetic: there "Payment: refused" is all text.
    if not name and not (how and how.is_synthetic) and (start := _TYPE_IN_VALUE.match(text)):
        name, text = start[1], text[start.end() :]
    if not name and not text and not frames:
        notes.add(path, "dropped, it has neither type nor value nor stack trace")
        return None
    return ExceptionValue(
        type=name,
        value=text,
        module=line(module, limits.FUNCTION, f"{path}.module", notes),
        thread_id=line(thread_id, limits.NAME, f"{path}.thread_id", notes),
        mechanism=how,
        frames=frames,
    )


def _mechanism(value: Any, path: str, notes: Notes) -> Mechanism | None:
    if not isinstance(value, dict) or not value:
        if value:
            notes.add(path, "dropped, it is not an object")
        return None

    def text(key: str, limit: int) -> str:
        return line(value[key], limit, f"{path}.{key}", notes) if key in value else ""

    return Mechanism(
        type=text("type", limits.NAME),
        is_handled=flag(value.get("handled")),
        is_synthetic=value.get("synthetic") is True,
        is_exception_group=value.get("is_exception_group") is True,
        exception_id=_number(value.get("exception_id")),
        parent_id=_number(value.get("parent_id")),
        source=text("source", limits.NAME),
        description=prose(value.get("description"), limits.MESSAGE, f"{path}.description", notes),
        help_link=text("help_link", limits.URL),
        data=bag(value.get("data"), limits.DETAIL, f"{path}.data", notes),
        meta=bag(value.get("meta"), limits.DETAIL, f"{path}.meta", notes),
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


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
