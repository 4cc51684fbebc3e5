"""What the grouping rules of a project make of an event: which one decides, and which frames are the app's or count.

Rules change what is grouped; how it is grouped is for the algorithm to say (domain/grouping.py). Only the stacks that
grouping looks at are looked at, each from the crash on, and no text beyond its beginning: so that neither an event nor
a rule can be written that takes long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.grouping_rule import Matcher, Rule, Rules, told
from bugwatch.domain.stacktrace import Frame, Thread

MAX_VALUE = 300
MAX_ERRORS = 10  # the last ones of the chain
MAX_FRAMES = 100
# What is remembered for a text of rules: this many frames, none of them longer than any that people write.
_FRAMES_KNOWN = 1_024
_LONGEST_KNOWN = 600

_Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The event as the rules have it, the rule that decides its fingerprint or title, and those that changed frames."""

    event: Event
    decided_by: Rule | None = None
    frame_rules: tuple[Rule, ...] = ()


def rule_on(rules: Rules, event: Event) -> Ruling:
    """What the rules make of an event. The frames that are judged stay in their place; those that do not count go."""
    decided_by = next((rule for rule in rules.rules if not rule.is_for_frames and _fits(rules, rule, event)), None)
    event, frame_rules = _with_frames(rules, event, keep=False)
    if decided_by and decided_by.parts:
        event = replace(event, fingerprint=decided_by.parts)
    return Ruling(event, decided_by, frame_rules)


def judged(rules: Rules, event: Event) -> Event:
    """The event with `in_app` of its frames as the rules have it, for whoever shows them."""
    return _with_frames(rules, event, keep=True)[0]


# --- does it fit? ---


def _fits(rules: Rules, rule: Rule, event: Event) -> bool:
    return _event_fits(rule, event) and _errors_fit(rule, _errors_of(event)) and _frames_fit(rules, rule, event)


def _event_fits(rule: Rule, event: Event) -> bool:
    asked = rule.event
    values = {matcher.key: _values_of_event(event, matcher) for matcher in (*asked.wanted, *asked.unwanted)}
    return asked.fits(values) and not asked.bars(values)


def _errors_fit(rule: Rule, errors: Sequence[ExceptionValue]) -> bool:
    asked = rule.error
    if not asked:
        return True
    found = [_values_of_error(error) for error in errors]
    is_there = not asked.wanted or any(asked.fits(values) for values in found)
    return is_there and not any(asked.bars(values) for values in found)


def _frames_fit(rules: Rules, rule: Rule, event: Event) -> bool:
    if not rule.frame:
        return True
    found = [_found_out(rules, frame) for frame in _frames_of(event)]
    is_there = not rule.frame.wanted or any(rule.line in fitting for fitting, _ in found)
    return is_there and not any(rule.line in barred for _, barred in found)


def _found_out(rules: Rules, frame: Frame) -> tuple[frozenset[int], frozenset[int]]:
    """The lines that find in this frame all that they want of one, and those that find what they do not want."""
    key = (frame.function, frame.raw_function, frame.module, frame.package, frame.filename, frame.abs_path)
    found = rules.known.get(key)
    if found is None:
        values = _values_of_frame(frame)
        asking = [rule for rule in rules.rules if rule.frame]
        fitting = frozenset(rule.line for rule in asking if rule.frame.fits(values))
        barred = frozenset(rule.line for rule in asking if rule.frame.bars(values))
        found = fitting, barred
        if len(rules.known) >= _FRAMES_KNOWN:
            rules.known.clear()
        if sum(map(len, key)) <= _LONGEST_KNOWN:
            rules.known[key] = found
    return found


def _values_of_event(event: Event, matcher: Matcher) -> list[str]:
    key, name = matcher.key, matcher.key.removeprefix("tags.")
    found: Sequence[str]
    if name != key:
        found = [value for tag, value in (*event.tags, *event.traits) if tag == name]
    elif key == "message":
        found = [event.message, event.message_template, *(error.value for error in _errors_of(event))]
    else:
        found = [str(getattr(event, key))]
    return [told(key, value[:MAX_VALUE]) for value in found]


def _values_of_error(error: ExceptionValue) -> _Values:
    in_full = f"{error.module}.{error.type}" if error.module else ""
    return {
        "error.type": (error.type[:MAX_VALUE], in_full[:MAX_VALUE]),
        "error.value": (told("error.value", error.value[:MAX_VALUE]),),
    }


def _values_of_frame(frame: Frame) -> _Values:
    return {
        "stack.function": (frame.function[:MAX_VALUE], frame.raw_function[:MAX_VALUE]),
        "stack.module": (frame.module[:MAX_VALUE],),
        "stack.abs_path": tuple({_rooted(frame.abs_path), _rooted(frame.filename)}),
        "stack.package": (told("stack.package", frame.package[:MAX_VALUE]),),
    }


def _rooted(path: str) -> str:
    """The path from a slash on, so that `**/vendor/**` finds `vendor/` also where it begins with it."""
    path = told("stack.abs_path", path[:MAX_VALUE])
    return path if not path or path.startswith("/") else "/" + path


def _errors_of(event: Event) -> Sequence[ExceptionValue]:
    return event.exceptions[-MAX_ERRORS:]


def _frames_of(event: Event) -> Iterator[Frame]:
    for error in _errors_of(event):
        yield from error.frames[-MAX_FRAMES:]
    for thread in event.threads:
        if thread.is_involved:
            yield from thread.frames[-MAX_FRAMES:]


# --- changing frames ---


def _with_frames(rules: Rules, event: Event, *, keep: bool) -> tuple[Event, tuple[Rule, ...]]:
    """The event with its frames as the rules have them, and those rules. `keep`: also the frames that do not count."""
    active = [rule for rule in rules.rules if rule.is_for_frames and _event_fits(rule, event)]
    if not active:
        return event, ()
    used: dict[int, Rule] = {}

    def of(owner: ExceptionValue | Thread, active: Sequence[Rule]) -> tuple[Frame, ...]:
        old, new = owner.frames[:-MAX_FRAMES], owner.frames[-MAX_FRAMES:]
        looked_at = [_judged(rules, active, frame, used) for frame in new]
        return (*old, *(frame for frame, is_counted in looked_at if is_counted or keep))

    def of_error(error: ExceptionValue) -> ExceptionValue:
        return replace(error, frames=of(error, [rule for rule in active if _errors_fit(rule, [error])]))

    def of_thread(thread: Thread) -> Thread:
        return replace(thread, frames=of(thread, active)) if thread.is_involved else thread

    older = event.exceptions[:-MAX_ERRORS]
    errors = (*older, *map(of_error, _errors_of(event)))
    changed = replace(event, exceptions=errors, threads=tuple(map(of_thread, event.threads)))
    return (changed, tuple(used[line] for line in sorted(used))) if used else (event, ())


def _judged(rules: Rules, active: Sequence[Rule], frame: Frame, used: dict[int, Rule]) -> tuple[Frame, bool]:
    """The frame after all rules, and whether it counts."""
    fitting, barred = _found_out(rules, frame)
    in_app, is_counted = None, True
    for rule in active:
        if rule.line in fitting and rule.line not in barred:
            used[rule.line] = rule
            in_app = in_app if rule.in_app is None else rule.in_app
            is_counted = is_counted if rule.is_counted is None else rule.is_counted
    return (frame if in_app is None else replace(frame, in_app=in_app, is_ruled=True)), is_counted
