"""The grouping rules of a project: a line says which events or frames it is about, and what to do (see `EXAMPLES`).

Of the lines with `->` the first that matches decides, of those for frames (`+app`, `-app`, `+group`, `-group`) each in
its turn. Rules change what is grouped (`rule_on`); how it is grouped is for the algorithm to say (domain/grouping.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from bugwatch.domain.errors import Invalid
from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.domain.title import shorten

EXAMPLES = """\
# What the database cannot do is one issue in each region, whoever asked.
type:DatabaseError message:"connection*refused" -> database-down {{ tags.region }} title="Database down"
# A known timeout stays with its transaction.
type:*Timeout !release:1.* -> {{ default }} {{ transaction }}
# Generated code is not ours, and retrying says nothing.
path:**/generated/** -app
function:retry_* module:shop.net -group"""

MAX_LENGTH = 10_000  # of all rules, in characters
MAX_RULES = 100
MAX_LINE = 1_000
MAX_MATCHERS = 10
MAX_PATTERN = 200
MAX_PARTS = 10
MAX_VALUE = 500  # of what is matched: the rest is not looked at
MAX_FRAMES = 200  # of a stack trace, from the crash on
_FRAMES_KNOWN = 4_096

# How a rule may call what it looks at, and what that is called in full.
KEYS: Mapping[str, str] = MappingProxyType(
    {
        "type": "error.type",
        "value": "error.value",
        "function": "stack.function",
        "module": "stack.module",
        "path": "stack.abs_path",
        "stack.path": "stack.abs_path",
        "package": "stack.package",
    }
)
_OF_ERROR = frozenset(("error.type", "error.value"))
_OF_FRAME = frozenset(("stack.function", "stack.module", "stack.abs_path", "stack.package"))
_OF_EVENT = frozenset(("message", "level", "logger", "platform", "release", "environment", "transaction"))
_NAMES = _OF_ERROR | _OF_FRAME | _OF_EVENT
_VARIABLES = (_NAMES - {"platform"}) | {"default"}
# Names in code are told apart by their capitals, all else is not.
_EXACT = frozenset(("error.type", "stack.function", "stack.module"))
_FRAME_ACTIONS = frozenset(("+app", "-app", "+group", "-group"))

# A piece of a line: quoted texts, variables and bare characters, up to a blank. None of these patterns looks back.
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_BEFORE_ARROW = re.compile(rf'(?:{_QUOTED}|(?!->)[^"])*+')
_MATCHER = re.compile(rf'\s*+((?:{_QUOTED}|[^\s"])++)')
_PART = re.compile(rf'[\s,]*+((?:{_QUOTED}|\{{\{{[^{{}}]*+\}}\}}|[^\s,"])++)')
_VARIABLE = re.compile(r"\{\{([^{}]*+)\}\}")


@dataclass(frozen=True, slots=True)
class Matcher:
    """`key` in full, or `tags.` and a name. What is missing matches nothing, not even `*`."""

    key: str
    pattern: re.Pattern[str]
    is_negated: bool = False

    def fits(self, values: Iterable[str]) -> bool:
        """Whether one of the values has the pattern; `is_negated` is for the rule to look at."""
        return any(value and self.pattern.fullmatch(value[:MAX_VALUE]) for value in values)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. `parts` and `title` are for the event, `in_app` and `is_counted` for its frames; None: as it is."""

    line: int
    text: str
    matchers: tuple[Matcher, ...]
    parts: tuple[str, ...] = ()
    title: str = ""
    in_app: bool | None = None
    is_counted: bool | None = None

    @property
    def is_for_frames(self) -> bool:
        return self.in_app is not None or self.is_counted is not None

    def about(self, keys: Iterable[str], *, is_negated: bool) -> tuple[Matcher, ...]:
        return tuple(m for m in self.matchers if m.key in keys and m.is_negated is is_negated)


@dataclass(slots=True)
class Rules:
    """The rules of a text, in its order. Frames recur from event to event, so what fits them is remembered."""

    rules: tuple[Rule, ...] = ()
    _known: dict[tuple[str, ...], tuple[frozenset[int], frozenset[int]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def of_frame(self, frame: Frame) -> tuple[frozenset[int], frozenset[int]]:
        """The lines whose matchers of frames all fit, and those with a negated one that fits."""
        key = (frame.function, frame.raw_function, frame.module, frame.abs_path, frame.filename, frame.package)
        found = self._known.get(key)
        if found is None:
            values = _values_of_frame(frame)
            fitting = frozenset(rule.line for rule in self.rules if _all_fit(rule, _OF_FRAME, values))
            barred = frozenset(rule.line for rule in self.rules if _one_bars(rule, _OF_FRAME, values))
            if len(self._known) >= _FRAMES_KNOWN:
                self._known.clear()
            found = self._known[key] = fitting, barred
        return found


@dataclass(frozen=True, slots=True)
class Ruling:
    """The event as the rules have it, the rule that decides its fingerprint or title, and those that changed frames."""

    event: Event
    decided_by: Rule | None = None
    frame_rules: tuple[Rule, ...] = ()


# --- reading the text ---


def parse(text: str) -> Rules:
    """The rules of a text. Raises Invalid with the line and what was expected there."""
    if len(text) > MAX_LENGTH:
        raise Invalid(f"Rules may have {MAX_LENGTH:,} characters in all; these have {len(text):,}.", "rules")
    for number, line in enumerate(text.splitlines(), 1):
        # Also in comments: not every database stores what is no character.
        if not line.replace("\t", " ").isprintable():
            raise _wrong(number, "there is a character in it that cannot be seen")
    rules = tuple(_parse_line(number, line) for number, line in _lines(text))
    if len(rules) > MAX_RULES:
        raise _wrong(rules[MAX_RULES].line, f"a project may have {MAX_RULES} rules, this is one more")
    return Rules(rules)


@lru_cache(maxsize=256)
def in_force(text: str) -> Rules:
    """The rules of a stored text. A line that is no longer taken is passed over: no event may fail for it."""
    rules = []
    for number, line in _lines(text):
        with suppress(Invalid):
            rules.append(_parse_line(number, line))
    return Rules(tuple(rules))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _parse_line(number: int, line: str) -> Rule:
    if len(line) > MAX_LINE:
        raise _wrong(number, f"a rule may have {MAX_LINE:,} characters")
    before = _BEFORE_ARROW.match(line)
    left = before[0] if before else ""
    rest = line[len(left) :]
    if rest.startswith('"'):
        raise _wrong(number, "a quotation mark is not closed")
    words = _words(_MATCHER, left, number)
    actions = [word for word in words if word in _FRAME_ACTIONS]
    matchers = tuple(_matcher(number, word) for word in words if word not in _FRAME_ACTIONS)
    if not matchers:
        raise _wrong(number, "a rule begins with what it looks for, such as “type:ValueError”")
    if len(matchers) > MAX_MATCHERS:
        raise _wrong(number, f"a rule may look for {MAX_MATCHERS} things, this one has {len(matchers)}")
    rule = Rule(number, line, matchers)
    if rest and actions:
        raise _wrong(number, f"“{actions[0]}” is about frames, “->” about the event: write them as two rules")
    if rest:
        return _with_fingerprint(rule, rest.removeprefix("->"))
    if not actions:
        raise _wrong(number, "say what to do after “->”, or “+app”, “-app”, “+group” or “-group” for frames")
    if not any(matcher.key in _OF_FRAME for matcher in matchers):
        raise _wrong(number, f"“{actions[0]}” is about frames: look for a function, module, path or package")
    return replace(rule, in_app=_last(actions, "app"), is_counted=_last(actions, "group"))


def _last(actions: Sequence[str], name: str) -> bool | None:
    """+ or -, whichever stands last."""
    signs = [action[0] for action in actions if action[1:] == name]
    return signs[-1] == "+" if signs else None


def _matcher(number: int, word: str) -> Matcher:
    key, colon, value = word.removeprefix("!").partition(":")
    name = KEYS.get(key, key)
    if not colon or not value:
        raise _wrong(number, f"expected something such as “type:ValueError”, found “{shorten(word, 60)}”")
    if name not in _NAMES and not (name.startswith("tags.") and len(name) > len("tags.")):
        names = ", ".join(sorted((*KEYS, *_OF_EVENT), key=str))
        raise _wrong(
            number, f"“{shorten(key, 60)}” is nothing that a rule can look at. It can look at {names}, tags.NAME"
        )
    if len(value) > MAX_PATTERN:
        raise _wrong(number, f"what is looked for may have {MAX_PATTERN} characters")
    return Matcher(name, _compiled(name, value), word.startswith("!"))


def _with_fingerprint(rule: Rule, text: str) -> Rule:
    """The rule with what stands after its arrow: parts of the fingerprint, and perhaps `title="…"`."""
    parts, title = [], ""
    for word in _words(_PART, text, rule.line):
        name, sign, value = word.partition("=")
        if sign and name == "title":
            title = _template(rule.line, value, _VARIABLES - {"default"})
        else:
            parts.append(_template(rule.line, word, _VARIABLES))
    if not parts and not title:
        raise _wrong(rule.line, 'after “->” comes a fingerprint, such as “database-down”, or title="…"')
    if len(parts) > MAX_PARTS:
        raise _wrong(rule.line, f"a fingerprint may have {MAX_PARTS} parts, this one has {len(parts)}")
    return replace(rule, parts=tuple(parts), title=shorten(title))


def _template(number: int, word: str, variables: Iterable[str]) -> str:
    """A text with variables, each under its full name. Raises Invalid if one is unknown."""

    def named(match: re.Match[str]) -> str:
        given = match[1].strip()
        name = KEYS.get(given, given)
        if name not in variables and not (name.startswith("tags.") and len(name) > len("tags.")):
            raise _wrong(
                number,
                f"there is no “{{{{ {shorten(given, 60)} }}}}”. There are {', '.join(sorted(variables))}, tags.NAME",
            )
        return f"{{{{ {name} }}}}"

    text = "".join(char for char, _ in _unquoted(word))
    if len(text) > MAX_PATTERN:
        raise _wrong(number, f"a part of a fingerprint, and a title, may have {MAX_PATTERN} characters")
    if "{{" in (rest := _VARIABLE.sub("", text)) or "}}" in rest:
        raise _wrong(number, "a variable is written as “{{ error.type }}”")
    return _VARIABLE.sub(named, text)


def _words(pattern: re.Pattern[str], text: str, number: int) -> list[str]:
    """The text in pieces, as `pattern` finds them one after the other."""
    words, at = [], 0
    while match := pattern.match(text, at):
        words.append(match[1])
        at = match.end()
    if text[at:].strip(" \t,"):
        raise _wrong(number, "a quotation mark is not closed")
    return words


def _unquoted(word: str) -> Iterable[tuple[str, bool]]:
    """The characters without quotation marks, each with whether a backslash stood before it."""
    is_escaped = False
    for char in word:
        if is_escaped:
            yield char, True
            is_escaped = False
        elif char == "\\" and '"' in word:
            is_escaped = True
        elif char != '"':
            yield char, False


def _compiled(key: str, glob: str) -> re.Pattern[str]:
    """The pattern of a glob: `*` is any text, `?` any character. It takes time in proportion to the text, whatever the
    glob: what stands between two stars is looked for once, from left to right, and never again."""
    segments: list[list[str]] = [[]]
    for char, is_literal in _unquoted(glob):
        if char == "*" and not is_literal:
            segments.append([])
        elif char == "?" and not is_literal:
            segments[-1].append(".")
        else:
            segments[-1].append(re.escape("/" if key == "stack.abs_path" and char == "\\" else char))
    first, *others = segments
    text = "".join(first)
    if others:
        *inner, last = others
        text += "".join(f"(?>.*?{''.join(segment)})" for segment in inner if segment)
        text += f".{{{len(last)},}}+(?<={''.join(last)})" if last else ".*+"
    return re.compile(text, re.DOTALL | (0 if key in _EXACT else re.IGNORECASE))


def _wrong(number: int, what: str) -> Invalid:
    return Invalid(f"Line {number}: {what}.", "rules")


# --- looking at an event ---


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


def _fits(rules: Rules, rule: Rule, event: Event) -> bool:
    return (
        _fits_event(rule, event)
        and _one_fits(rule, _OF_ERROR, [_values_of_error(exception) for exception in event.exceptions])
        and _one_frame_fits(rules, rule, event)
    )


def _fits_event(rule: Rule, event: Event) -> bool:
    for matcher in rule.matchers:
        if matcher.key in _OF_ERROR or matcher.key in _OF_FRAME:
            continue
        if matcher.fits(_values_of_event(event, matcher.key)) is matcher.is_negated:
            return False
    return True


def _one_fits(rule: Rule, keys: frozenset[str], items: Sequence[Mapping[str, tuple[str, ...]]]) -> bool:
    """Whether one of the items has all that is looked for, and none what is not wanted."""
    is_asked = bool(rule.about(keys, is_negated=False))
    return (not is_asked or any(_all_fit(rule, keys, values) for values in items)) and not any(
        _one_bars(rule, keys, values) for values in items
    )


def _one_frame_fits(rules: Rules, rule: Rule, event: Event) -> bool:
    if not any(matcher.key in _OF_FRAME for matcher in rule.matchers):
        return True
    found = [rules.of_frame(frame) for frame in _frames_of(event)]
    is_asked = bool(rule.about(_OF_FRAME, is_negated=False))
    return (not is_asked or any(rule.line in fitting for fitting, _ in found)) and not any(
        rule.line in barred for _, barred in found
    )


def _all_fit(rule: Rule, keys: frozenset[str], values: Mapping[str, tuple[str, ...]]) -> bool:
    return all(matcher.fits(values[matcher.key]) for matcher in rule.about(keys, is_negated=False))


def _one_bars(rule: Rule, keys: frozenset[str], values: Mapping[str, tuple[str, ...]]) -> bool:
    return any(matcher.fits(values[matcher.key]) for matcher in rule.about(keys, is_negated=True))


def _values_of_event(event: Event, key: str) -> tuple[str, ...]:
    if key.startswith("tags."):
        name = key.removeprefix("tags.")
        return tuple(value for tag, value in (*event.tags, *event.traits) if tag == name)
    if key == "message":
        return (event.message, event.message_template, *(exception.value for exception in event.exceptions))
    return (str(getattr(event, key)),)


def _values_of_error(exception: ExceptionValue) -> dict[str, tuple[str, ...]]:
    in_full = f"{exception.module}.{exception.type}" if exception.module else ""
    return {"error.type": (exception.type, in_full), "error.value": (exception.value,)}


def _values_of_frame(frame: Frame) -> dict[str, tuple[str, ...]]:
    paths = (path.replace("\\", "/") for path in (frame.abs_path, frame.filename))
    # So that `**/vendor/**` finds `vendor/` also at the beginning of a path.
    rooted = tuple(path if not path or path.startswith("/") else "/" + path for path in paths)
    return {
        "stack.function": (frame.function, frame.raw_function),
        "stack.module": (frame.module,),
        "stack.abs_path": (frame.abs_path.replace("\\", "/"), frame.filename.replace("\\", "/"), *rooted),
        "stack.package": (frame.package,),
    }


def _frames_of(event: Event) -> Iterable[Frame]:
    for exception in event.exceptions:
        yield from exception.frames[-MAX_FRAMES:]
    for thread in event.threads:
        yield from thread.frames[-MAX_FRAMES:] if thread.is_involved else ()


# --- changing its frames ---


def _with_frames(rules: Rules, event: Event, *, keep: bool) -> tuple[Event, tuple[Rule, ...]]:
    """The event with its frames as the rules have them, and those rules. `keep`: also the frames that do not count."""
    active = [rule for rule in rules.rules if rule.is_for_frames and _fits_event(rule, event)]
    if not active:
        return event, ()
    used: dict[int, Rule] = {}

    def of(owner: ExceptionValue | Thread) -> tuple[Frame, ...]:
        mine = active
        if isinstance(owner, ExceptionValue):
            mine = [rule for rule in active if _one_fits(rule, _OF_ERROR, [_values_of_error(owner)])]
        old, new = owner.frames[:-MAX_FRAMES], owner.frames[-MAX_FRAMES:]
        judged = [_judged(rules, mine, frame, used) for frame in new]
        return (*old, *(frame for frame, is_counted in judged if is_counted or keep))

    changed = replace(
        event,
        exceptions=tuple(replace(owner, frames=of(owner)) for owner in event.exceptions),
        threads=tuple(replace(owner, frames=of(owner)) for owner in event.threads),
    )
    return (changed, tuple(used[line] for line in sorted(used))) if used else (event, ())


def _judged(rules: Rules, active: Sequence[Rule], frame: Frame, used: dict[int, Rule]) -> tuple[Frame, bool]:
    """The frame after all rules, and whether it counts."""
    fitting, barred = rules.of_frame(frame)
    in_app, is_counted = None, True
    for rule in active:
        if rule.line in fitting and rule.line not in barred:
            used[rule.line] = rule
            in_app = in_app if rule.in_app is None else rule.in_app
            is_counted = is_counted if rule.is_counted is None else rule.is_counted
    return (frame if in_app is None else replace(frame, in_app=in_app, is_ruled=True)), is_counted
