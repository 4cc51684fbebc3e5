"""Which events are the same bug: the grouping of an event, with the reason, so that "why is this here" can be answered.

In order of rank: the fingerprint that the client sent; the exceptions, by their types and the app's own frames; the
message, by its template. Never the transaction, URL, release, level or line numbers. Of a frame only what `skim` fills
is read: function, module, package, filename, abs_path, platform, colno, in_app, context_line.

The parts: `exception_chain` picks the exceptions, `stack_key` their frames (over `frame_key`, `frame_place`,
`frame_function` and `in_app`), `parameterize` and `engine_message` the words, `title` the name for people.

A grouping is the same on every machine and Python. Whoever changes what is hashed raises VERSION; old hashes stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b

from bugwatch.domain import error_type
from bugwatch.domain.engine_message import PLACELESS, TOO_DEEP, common_spelling
from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.exception_chain import chain_of
from bugwatch.domain.frame_key import FAMILIES
from bugwatch.domain.parameterize import parameterize
from bugwatch.domain.record import record
from bugwatch.domain.stack_key import StackKey, read_stack
from bugwatch.domain.title import (
    culprit_of,
    first_line,
    is_message,
    join_title,
    shorten,
    title_of,
    type_name,
    without_type,
)

VERSION = 1

_MAX_PARTS = 20
_MAX_PART_LENGTH = 500
_MAX_LINKS = 10
_MAX_TEXT = 8_192


@record
class Component:
    """One thing that was looked at: `value` went into the hash if it `contributes`; `reason` is a clause for people."""

    name: str
    value: str
    contributes: bool = True
    reason: str = ""


@record
class Grouping:
    """`hash` is 16 bytes, without the project; `reason` is a sentence; `title_type` and `title_value` make `title`."""

    hash: bytes
    components: tuple[Component, ...]
    reason: str
    title: str
    culprit: str
    title_type: str
    title_value: str
    version: int = VERSION


@record
class _Basis:
    components: tuple[Component, ...]
    reason: str


@record
class _Reading:
    """An event as grouping sees it. `stack` is the main exception's, else a cause's, else the crashed thread's.

    One with frames of the app's own goes before one without.
    """

    event: Event
    main: ExceptionValue | None
    links: tuple[tuple[ExceptionValue, StackKey], ...]
    stack: StackKey


def group(event: Event) -> Grouping:
    """The event's grouping. Never fails, whatever the event holds."""
    reading = _read(event)
    basis = _by_rank(reading)
    if event.fingerprint and any(part.strip() for part in event.fingerprint):
        basis = _by_client(reading, basis)
    type_, value = _title(reading)
    return Grouping(
        hash=_digest(basis.components),
        components=basis.components,
        reason=basis.reason,
        title=join_title(type_, value),
        culprit=culprit_of(event, reading.stack.crash),
        title_type=shorten(type_),
        title_value=shorten(value),
    )


def _read(event: Event) -> _Reading:
    chain = chain_of(event.exceptions, lambda e: _likeness(e, event))
    links = _stacks(event, chain.links[-_MAX_LINKS:] if chain else ())
    if chain and chain.wrappers and not any(stack.is_own for _, stack in links):
        links += tuple(link for link in _stacks(event, chain.wrappers[-_MAX_LINKS:]) if link[1].is_own)
    main = chain.main if chain else None
    stacks = [stack for link, stack in links if link is main] + [stack for _, stack in reversed(links)]
    told = [stack for stack in stacks if stack.lines] or _of_thread(event)
    own = [stack for stack in told if stack.is_own]
    return _Reading(event, main, links, (own or told or [StackKey()])[0])


def _of_thread(event: Event) -> list[StackKey]:
    """The stack of the thread that crashed, else of the one that reported, if it says anything."""
    thread = next((t for t in event.threads if t.is_crashed), None) or next(
        (t for t in event.threads if t.is_current), None
    )
    stack = read_stack(thread.frames, event.platform) if thread else StackKey()
    return [stack] if stack.lines else []


def _stacks(event: Event, exceptions: Iterable[ExceptionValue]) -> tuple[tuple[ExceptionValue, StackKey], ...]:
    return tuple([(exception, read_stack(exception.frames, event.platform)) for exception in exceptions])


def _likeness(exception: ExceptionValue, event: Event) -> tuple[object, ...]:
    """Equal for the members of an exception group that are one bug."""
    lines = read_stack(exception.frames, event.platform).lines
    return exception.type, lines or _text_key(exception.value, event)


def _title(reading: _Reading) -> tuple[str, str]:
    event = reading.event
    if event.csp_directive and not event.message:
        return "", f"Blocked '{event.csp_directive}' from '{event.csp_blocked}'"
    return title_of(event, reading.main)


# --- what an event is grouped by, the first that applies ---


def _by_rank(reading: _Reading) -> _Basis:
    event, main = reading.event, reading.main
    if event.csp_directive:
        return _by_policy(event)
    if main and not is_message(event, main):
        return _by_exceptions(reading, main)
    if event.message or event.message_template:
        return _by_message(event)
    if reading.stack.lines:
        return _Basis((_stack_component(reading.stack),), "Grouped by the stack trace of the thread that crashed.")
    return _Basis((Component("message", ""),), "Grouped with all events that have neither an exception nor a message.")


def _by_policy(event: Event) -> _Basis:
    components = (Component("directive", event.csp_directive), Component("blocked host", event.csp_blocked))
    return _Basis(components, "Grouped by the directive that was violated and the host that was blocked.")


def _by_message(event: Event) -> _Basis:
    logger = Component("logger", parameterize(event.logger), bool(event.logger))
    if event.message_template and event.message_template != event.message:
        template = Component("message", _text_key(event.message_template, event), reason="the template")
        return _Basis((template, logger), "Grouped by the message's template and its logger.")
    message = Component("message", _text_key(event.message, event), reason="without its varying parts")
    return _Basis((message, logger), "Grouped by the message, without its varying parts, and its logger.")


def _by_exceptions(reading: _Reading, main: ExceptionValue) -> _Basis:
    if _spelling(reading.event, main.value) in PLACELESS:
        return _by_placeless_message(reading, main)
    if reading.stack.is_minified:
        return _by_bundle(reading, main)
    stacks = [stack for _, stack in reading.links if stack.lines]
    own_counts = [len(stack.lines) for stack in stacks if stack.is_own]
    has_frames, has_own, own_count = bool(stacks), bool(own_counts), sum(own_counts)
    components = []
    for exception, stack in reading.links:
        components.append(_type_component(exception, has_frames, reading.event))
        if stack.lines:
            components.append(_stack_component(stack, is_muted=has_own and not stack.is_own))
    if reading.stack.crash_line:
        components.append(_line_component(reading.stack, main))
    doubt = _doubt(reading, main, has_frames, own_count)
    components.append(_message_component(reading, main, doubt))
    return _Basis(tuple(components), _exception_reason(has_frames, own_count, doubt))


def _by_placeless_message(reading: _Reading, main: ExceptionValue) -> _Basis:
    """A part of the app that cannot be loaded, an observer that lags: the browser's words say all."""
    components = (
        Component("message", _spelling(reading.event, main.value), reason="in one spelling for all browsers"),
        Component("type", main.type, False, "browsers disagree on it"),
    )
    return _Basis(components, "Grouped by what browsers say when this happens, wherever they noticed it.")


def _by_bundle(reading: _Reading, main: ExceptionValue) -> _Basis:
    """Minified names change with every build: what stays is the type, the message and which bundle it was."""
    components = (
        Component("type", main.type, len(main.type) > 2, "" if len(main.type) > 2 else "a minified name"),
        Component("message", _text_key(main.value, reading.event), reason="without its varying parts"),
        Component("bundle", reading.stack.bundle, reason="without its hash"),
        _stack_component(reading.stack, is_muted=True, reason="minified names change with every build"),
    )
    return _Basis(components, "Grouped by type, message and bundle: the code is minified, and a source map would help.")


def _message_component(reading: _Reading, main: ExceptionValue, doubt: str) -> Component:
    if doubt:
        return Component("message", _text_key(without_type(main.value, main.type), reading.event), reason=doubt)
    return Component("message", shorten(first_line(main.value)), False, "the stack trace says enough")


def _is_thrown_value(event: Event, main: ExceptionValue) -> bool:
    """JavaScript can throw text or any object. It has no stack: the SDK sends its own, taken where it was caught."""
    is_made_up = main.mechanism is not None and main.mechanism.is_synthetic
    return is_made_up and FAMILIES.get(event.platform) == "javascript"


def _doubt(reading: _Reading, main: ExceptionValue, has_frames: bool, own_count: int) -> str:
    """Why the stack trace alone would take different bugs for one; empty if it would not."""
    if not has_frames:
        return "there is no stack trace"
    if _is_thrown_value(reading.event, main):
        return "what was thrown is no error and has no stack trace of its own"
    if main.type in error_type.TEXT or (main.mechanism is not None and main.mechanism.type == "NSError"):
        return "errors of this type are told apart by their text only"
    if reading.stack.is_wrapper:
        return "the crash is in a function that reports other errors"
    if _is_telling_name(reading, main):
        return "it names what is missing"
    if own_count == 0:
        return "no frame is in the app's own code"
    return "only one frame is in the app's own code" if own_count == 1 else ""


def _is_telling_name(reading: _Reading, main: ExceptionValue) -> bool:
    name = main.type.rpartition(".")[2]
    if reading.stack.crash_line or name not in error_type.NAMING:
        return False
    # Everybody's `Error` but PHP's says anything; browsers do not agree on the words.
    return name != "Error" or reading.event.platform == "php"


def _exception_reason(has_frames: bool, own_count: int, doubt: str) -> str:
    if not has_frames:
        return "Grouped by the type and the message: there is no stack trace."
    frames = f"{own_count} frame{'s' * (own_count != 1)} of the app's own code" if own_count else "the stack trace"
    if doubt:
        return f"Grouped by the type, {frames} and the message, because {doubt}."
    return f"Grouped by the type and {frames}."


def _type_component(exception: ExceptionValue, has_frames: bool, event: Event) -> Component:
    is_made_up = exception.mechanism is not None and exception.mechanism.is_synthetic
    if is_made_up and has_frames:
        return Component("type", exception.type, False, "made up by the SDK")
    if exception.type == "InternalError" and _spelling(event, exception.value) == TOO_DEEP:
        return Component("type", "RangeError", reason="as other browsers call it")
    return Component("type", type_name(exception.type), bool(exception.type))


def _line_component(stack: StackKey, main: ExceptionValue) -> Component:
    if main.type.rpartition(".")[2] in error_type.STRAY:
        return Component("source line", stack.crash_line, False, "such errors strike anywhere")
    return Component("source line", stack.crash_line, reason="of the app's frame next to the crash")


def _stack_component(stack: StackKey, *, is_muted: bool = False, reason: str = "") -> Component:
    if is_muted:
        reason = reason or "another exception has frames in the app's own code"
    whose = "the app's own" if stack.is_own else "none of them the app's own"
    return Component(
        "stack trace",
        "\n".join(stack.lines),
        not is_muted,
        reason or f"{len(stack.lines)} of {stack.frame_count} frames, {whose}",
    )


def _text_key(text: str, event: Event) -> str:
    """The first two lines that are not blank, without what varies, in one spelling for all browsers."""
    lines = [line for line in (line.strip() for line in text[:_MAX_TEXT].splitlines()) if line][:2]
    return parameterize(_spelling(event, "\n".join(lines)))


def _spelling(event: Event, text: str) -> str:
    return common_spelling(text) if FAMILIES.get(event.platform) == "javascript" else text


# --- the client's own fingerprint ---

_VARIABLE = re.compile(r"\{\{([^{}]{1,100})\}\}")


def _by_client(reading: _Reading, default: _Basis) -> _Basis:
    """The SDK's fingerprint; `{{ default }}` in it stands for what we would have used."""
    event = reading.event
    values = {"default": _digest(default.components).hex(), **_variables(reading)}
    said = {event.message, reading.main.value if reading.main else ""}
    parts = [part[:_MAX_PART_LENGTH] for part in event.fingerprint if part.strip()][:_MAX_PARTS]
    filled = [_filled(part, values) for part in parts]
    if all(part == values["default"] for part in filled):
        return default
    texts = [_text_key(part, event) if part in said else part for part in filled]
    others = tuple(replace(c, contributes=False, reason="the fingerprint decides") for c in default.components)
    return _Basis(
        (Component("fingerprint", "\n".join(texts), reason="sent by the SDK"), *others),
        "Grouped by the fingerprint that the SDK sent.",
    )


def fill(template: str, event: Event) -> str:
    """`template` with its variables, such as `{{ error.type }}`, as they are for this event; unknown ones stay."""
    return _filled(template, _variables(_read(event)))


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1].strip(), match[0]), template)


def _variables(reading: _Reading) -> dict[str, str]:
    event, main, crash = reading.event, reading.main, reading.stack.crash
    values = {
        "error.type": main.type if main else "",
        "error.value": main.value if main else "",
        "message": event.message or (main.value if main else ""),
        "transaction": event.transaction,
        "level": event.level.value,
        "logger": event.logger,
        "release": event.release,
        "environment": event.environment,
    }
    if crash:
        values |= {
            "stack.function": crash.function,
            "stack.module": crash.module,
            "stack.package": crash.package,
            "stack.abs_path": crash.abs_path,
        }
    return values | {f"tags.{key}": value for key, value in event.tags}


# --- the hash ---


def _digest(components: Iterable[Component]) -> bytes:
    """16 bytes over the version and what contributes, the same on every machine."""
    parts = [f"bugwatch {VERSION}", *[f"{c.name}\x1f{c.value}" for c in components if c.contributes]]
    return blake2b("\x1e".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
