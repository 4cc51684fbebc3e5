"""An event as Markdown, to be pasted into a ticket or given to an assistant: what it is, its trace, and the code and
variables where the app's own code failed.

What comes from the event stands in code, with a fence that it cannot close: nobody is mentioned by it, nothing linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bugwatch.domain.clock import to_iso
from bugwatch.domain.event import Event
from bugwatch.domain.stacktrace import Frame
from bugwatch.server.dashboard.frames import shorten
from bugwatch.server.dashboard.raw_trace import raw_trace
from bugwatch.server.dashboard.traces import newest_own_frame

LONGEST_VARIABLE = 200
_LANGUAGES = {"javascript": "js", "node": "js", "csharp": "csharp", "native": "", "cocoa": "swift", "other": ""}


def trace_markdown(event: Event, title: str, facts: Sequence[tuple[str, str]]) -> str:
    """`facts` are names and values that stand above the trace; empty values are left out."""
    parts = [
        f"# {_code(title)}",
        "\n".join(f"- {name}: {_code(value)}" for name, value in _facts(event, facts) if value),
        *_section("Message", event.message, is_needed=all(event.message != e.value for e in event.exceptions)),
        *_section("Stack trace", raw_trace(event)),
        *_failed_in(newest_own_frame(event), event.platform),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(event: Event, facts: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    yield from facts
    yield "Event", event.event_id
    yield "Time", to_iso(event.happened_at)
    yield "Environment", event.environment
    yield "Release", event.release
    yield "Platform", event.platform
    yield "Transaction", event.transaction


def _failed_in(frame: Frame | None, platform: str) -> Iterable[str]:
    """The code around the crash in the app's own code, the failing line marked, and what the variables held."""
    if frame is None:
        return
    if frame.context_line is not None:
        first = (frame.lineno or len(frame.pre_context) + 1) - len(frame.pre_context)
        texts = [*frame.pre_context, frame.context_line, *frame.post_context]
        lines = (
            f"{'>' if at == len(frame.pre_context) else ' '} {first + at:4} {text}".rstrip()
            for at, text in enumerate(texts)
        )
        path = frame.filename or frame.abs_path or frame.module
        language = _LANGUAGES.get(frame.platform or platform, frame.platform or platform)
        yield f"## Failed in {_code(path)}"
        yield _fenced("\n".join(lines), language if re.fullmatch(r"[a-z]*", language) else "")
    held = (f"{name} = {shorten(value)[:LONGEST_VARIABLE]}" for name, value in frame.vars.items())
    yield from _section("Local variables", "\n".join(held))


def _section(name: str, text: str, *, is_needed: bool = True) -> Iterable[str]:
    return (f"## {name}", _fenced(text)) if text and is_needed else ()


def _fenced(text: str, language: str = "") -> str:
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    """Inline code, on one line."""
    line = " ".join(text.split())
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
