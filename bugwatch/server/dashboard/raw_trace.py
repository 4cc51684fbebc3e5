"""An event's stack trace as its own platform would have printed it: complete, and ready to be copied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.stacktrace import Frame, Thread


def raw_trace(event: Event) -> str:
    """All exceptions and all frames, in the platform's order; then the threads that are not told with them."""
    told = [_FORMS.get(event.platform, _generic)(event.exceptions)] if event.exceptions else []
    threads = [
        "\n".join([f"Thread {thread.name or thread.id}:", *_at(thread.frames)]) for thread in told_threads(event)
    ]
    return "\n\n".join([*told, *threads])


def unmapped(event: Event) -> Event:
    """The event with its frames as they arrived, before source maps."""
    exceptions = (
        replace(exception, frames=tuple(f.origin.raw if f.origin and f.origin.raw else f for f in exception.frames))
        for exception in event.exceptions
    )
    return replace(event, exceptions=tuple(exceptions))


def told_threads(event: Event) -> list[Thread]:
    """The threads that say more than the exceptions do, the crashed or current one first."""
    raised_in = {exception.thread_id for exception in event.exceptions if exception.frames}
    has_frames = any(exception.frames for exception in event.exceptions)
    told = [
        thread
        for thread in event.threads
        if thread.frames and thread.id not in raised_in - {""} and not (has_frames and thread.is_involved)
    ]
    return sorted(told, key=lambda thread: (not thread.is_crashed, not thread.is_current))


def _headline(exception: ExceptionValue, *, with_module: str = "") -> str:
    name = exception.type or "Error"
    if with_module and exception.module:
        name = f"{exception.module}{with_module}{name}"
    return f"{name}: {exception.value}" if exception.value else name


def _place(frame: Frame, *, is_short: bool = False) -> str:
    path = frame.filename or frame.abs_path if is_short else frame.abs_path or frame.filename
    numbers = [str(number) for number in (frame.lineno, frame.colno) if number is not None]
    return ":".join([path or frame.module or "<unknown>", *numbers])


def _at(frames: Iterable[Frame]) -> list[str]:
    """Innermost first, as most platforms print."""
    return [f"    at {frame.function or '<anonymous>'} ({_place(frame)})" for frame in reversed(tuple(frames))]


# Python itself prints a recursion three times, and then how often it goes on.
_PYTHON_TURNS = 3


def _python(exceptions: Sequence[ExceptionValue]) -> str:
    text = ""
    for before, exception in zip((None, *exceptions), exceptions, strict=False):
        if before:
            text += f"\n\n{_python_joint(before)}\n\n"
        text += _python_link(exception)
    return text


def _python_link(exception: ExceptionValue) -> str:
    lines = ["Traceback (most recent call last):"] if exception.frames else []
    for _call, group in groupby(exception.frames, key=lambda f: (f.abs_path or f.filename, f.lineno, f.function)):
        turns = list(group)
        for frame in turns[:_PYTHON_TURNS]:
            path = frame.abs_path or frame.filename or frame.module or "<unknown>"
            lines.append(f'  File "{path}", line {frame.lineno or "?"}, in {frame.function or "<module>"}')
            if frame.context_line and frame.context_line.strip():
                lines.append(f"    {frame.context_line.strip()}")
        more = len(turns) - _PYTHON_TURNS
        if more > 0:
            lines.append(f"  [Previous line repeated {more} more time{'s' if more > 1 else ''}]")
    is_builtin = exception.module in ("", "builtins", "exceptions", "__main__")
    lines.append(_headline(exception, with_module="" if is_builtin else "."))
    return "\n".join(lines)


def _python_joint(before: ExceptionValue) -> str:
    """What Python writes between two links; `before` says how it belongs to what came of it."""
    source = before.mechanism.source if before.mechanism else ""
    if source == "__cause__":
        return "The above exception was the direct cause of the following exception:"
    if source.startswith("exceptions["):
        return "The above exception is part of the following group:"
    return "During handling of the above exception, another exception occurred:"


def _javascript(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for frames, exception in ((exception.frames, exception) for exception in reversed(exceptions)):
        at = [f"    at {frame.function} ({_place(frame)})" if frame.function else f"    at {_place(frame)}"
              for frame in reversed(frames)]  # fmt: skip
        links.append("\n".join([_headline(exception), *at]))
    return "\n  [cause]: ".join(links)


def _java(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for exception in reversed(exceptions):
        at = [f"\tat {_dotted(frame)}({_java_place(frame)})" for frame in reversed(exception.frames)]
        links.append("\n".join([_headline(exception, with_module="."), *at]))
    return "\nCaused by: ".join(links)


def _java_place(frame: Frame) -> str:
    if not frame.filename:
        return "Native Method" if frame.lineno is None else "Unknown Source"
    return frame.filename if frame.lineno is None else f"{frame.filename}:{frame.lineno}"


def _dotted(frame: Frame) -> str:
    return ".".join(part for part in (frame.module, frame.function or "<unknown>") if part)


def _go(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for exception in reversed(exceptions):
        lines = [f"panic: {exception.value or exception.type}"]
        if exception.value and exception.type:
            lines[0] += f" [{exception.type}]"
        if exception.frames:
            lines += ["", "goroutine [running]:"]
        for frame in reversed(exception.frames):
            lines += [f"{_dotted(frame)}(...)", f"\t{_place(frame)}"]
        links.append("\n".join(lines))
    return "\n\ncaused by:\n".join(links)


def _php(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for exception in exceptions:
        frames = list(reversed(exception.frames))
        thrown = f" in {frames[0].abs_path or frames[0].filename}:{frames[0].lineno}" if frames else ""
        lines = [_headline(exception) + thrown, "Stack trace:"]
        for at, (frame, caller) in enumerate(pairwise(frames)):
            # PHP names the place of a call and what was called there: the frame inside.
            path = caller.abs_path or caller.filename or "[internal function]"
            lines.append(f"#{at} {path}({caller.lineno}): {frame.function or '{closure}'}()")
        lines.append(f"#{max(len(frames) - 1, 0)} {{main}}")
        links.append("\n".join(lines))
    last = exceptions[-1].frames
    end = f"\n  thrown in {last[-1].abs_path or last[-1].filename} on line {last[-1].lineno}" if last else ""
    return "PHP Fatal error:  Uncaught " + "\n\nNext ".join(links) + end


def _ruby(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for exception in reversed(exceptions):
        frames = [f"{_place(frame)}:in '{frame.function or '<main>'}'" for frame in reversed(exception.frames)]
        first = f"{frames[0]}: " if frames else ""
        name = "::".join(part for part in (exception.module, exception.type) if part) or "Error"
        links.append("\n".join([f"{first}{exception.value} ({name})", *(f"\tfrom {frame}" for frame in frames[1:])]))
    return "\n".join(links)


def _csharp(exceptions: Sequence[ExceptionValue]) -> str:
    """The headlines come outermost first, the frames innermost first."""
    heads = [_headline(exception, with_module=".") for exception in reversed(exceptions)]
    frames = ["\n".join(_csharp_at(frame) for frame in reversed(exception.frames)) for exception in exceptions]
    return "\n".join(
        ["\n ---> ".join(heads), "\n   --- End of inner exception stack trace ---\n".join(frames)]
    ).rstrip()


def _csharp_at(frame: Frame) -> str:
    place = f" in {frame.abs_path or frame.filename}:line {frame.lineno}" if frame.lineno is not None else ""
    return f"   at {_dotted(frame)}(){place}"


def _native(exceptions: Sequence[ExceptionValue]) -> str:
    """As debuggers print it: number, address, function, place."""
    links = []
    for exception in reversed(exceptions):
        lines = [_headline(exception)]
        for at, frame in enumerate(reversed(exception.frames)):
            address = frame.rest.get("instruction_addr")
            start = f"{address} in " if isinstance(address, str) else ""
            place = f" at {_place(frame)}" if frame.abs_path or frame.filename else ""
            library = f" from {frame.package}" if frame.package and not place else ""
            lines.append(f"#{at:<3} {start}{frame.function or '??'} (){place}{library}")
        links.append("\n".join(lines))
    return "\n\nCaused by: ".join(links)


def _dart(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for exception in reversed(exceptions):
        at = [f"#{n:<6} {f.function or '<fn>'} ({_place(f)})" for n, f in enumerate(reversed(exception.frames))]
        links.append("\n".join([_headline(exception), *at]))
    return "Unhandled exception:\n" + "\n\nCaused by: ".join(links)


def _elixir(exceptions: Sequence[ExceptionValue]) -> str:
    links = []
    for exception in reversed(exceptions):
        at = [f"    {_place(frame, is_short=True)}: {frame.function}" for frame in reversed(exception.frames)]
        links.append("\n".join([f"** ({exception.type or 'Error'}) {exception.value}", *at]))
    return "\n".join(links)


def _generic(exceptions: Sequence[ExceptionValue]) -> str:
    links = ("\n".join([_headline(exception), *_at(exception.frames)]) for exception in reversed(exceptions))
    return "\nCaused by: ".join(links)


_FORMS: dict[str, Callable[[Sequence[ExceptionValue]], str]] = {
    "python": _python,
    "javascript": _javascript,
    "node": _javascript,
    "java": _java,
    "go": _go,
    "php": _php,
    "ruby": _ruby,
    "csharp": _csharp,
    "native": _native,
    "c": _native,
    "cocoa": _native,
    "objc": _native,
    "rust": _native,
    "dart": _dart,
    "elixir": _elixir,
}
