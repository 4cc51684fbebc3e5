"""The grouping rules of a project: a line says which events or frames it is about, and what to do (see `EXAMPLES`).

Of the lines with `->` the first that matches decides, of those for frames (`+app`, `-app`, `+group`, `-group`) each in
its turn. What they make of an event is for domain/ruling.py to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from bugwatch.domain.errors import Invalid
from bugwatch.domain.glob import MOST_ANY, Glob, glob_of
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
OF_ERROR = frozenset(("error.type", "error.value"))
OF_FRAME = frozenset(("stack.function", "stack.module", "stack.abs_path", "stack.package"))
_OF_EVENT = frozenset(("message", "level", "logger", "platform", "release", "environment", "transaction"))
_NAMES = OF_ERROR | OF_FRAME | _OF_EVENT
_VARIABLES = (_NAMES - {"platform"}) | {"default"}
# Names in code are told apart by their capitals, all else is not.
_EXACT = frozenset(("error.type", "stack.function", "stack.module"))
_FRAME_ACTIONS = frozenset(("+app", "-app", "+group", "-group"))

# A piece of a line: quoted texts, variables and bare characters, up to a blank. None of these patterns looks back.
_QUOTED = r'"(?>[^"\\]|\\.)*+"'
_BEFORE_ARROW = re.compile(rf'(?>{_QUOTED}|(?!->)[^"])*+')
_MATCHER = re.compile(rf'\s*+((?>{_QUOTED}|[^\s"])++)')
_PART = re.compile(rf'[\s,]*+((?>{_QUOTED}|\{{\{{[^{{}}]*+\}}\}}|[^\s,"])++)')
_VARIABLE = re.compile(r"\{\{([^{}]*+)\}\}")


@dataclass(frozen=True, slots=True)
class Matcher:
    """`key` in full, or `tags.` and a name."""

    key: str
    glob: Glob

    def fits(self, values: Mapping[str, Sequence[str]]) -> bool:
        """Whether one of the values that its key has is as it should be. What is missing fits nothing, not even `*`."""
        for value in values[self.key]:  # noqa: SIM110 - a loop is faster, and each new frame is asked for every rule
            if value and self.glob.fits(value):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule looks for in one kind of thing: all `wanted` on one and the same, the `unwanted` on none."""

    wanted: tuple[Matcher, ...] = ()
    unwanted: tuple[Matcher, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted)

    def fits(self, values: Mapping[str, Sequence[str]]) -> bool:
        for matcher in self.wanted:  # noqa: SIM110
            if not matcher.fits(values):
                return False
        return True

    def bars(self, values: Mapping[str, Sequence[str]]) -> bool:
        return bool(self.unwanted) and any(matcher.fits(values) for matcher in self.unwanted)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what it looks for in the event, in one of its errors, in one of their frames; and what it does. `parts`
    and `title` are for the event, `in_app` and `is_counted` for its frames; None: as it is."""

    line: int
    text: str
    event: Asked
    error: Asked
    frame: Asked
    parts: tuple[str, ...] = ()
    title: str = ""
    in_app: bool | None = None
    is_counted: bool | None = None

    @property
    def is_for_frames(self) -> bool:
        return self.in_app is not None or self.is_counted is not None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a text, in its order. Frames recur from event to event: `known` is what was found out about them."""

    rules: tuple[Rule, ...] = ()
    known: dict[tuple[str, ...], tuple[frozenset[int], frozenset[int]]] = field(default_factory=dict, compare=False)


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


@lru_cache(maxsize=64)
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
    asked = [word for word in words if word not in _FRAME_ACTIONS]
    if not asked:
        raise _wrong(number, "a rule begins with what it looks for, such as “type:ValueError”")
    if len(asked) > MAX_MATCHERS:
        raise _wrong(number, f"a rule may look for {MAX_MATCHERS} things, this one has {len(asked)}")
    matchers = [(_matcher(number, word.removeprefix("!")), word.startswith("!")) for word in asked]
    of_event, of_error, of_frame = (_asked(matchers, kind) for kind in (None, OF_ERROR, OF_FRAME))
    rule = Rule(number, line, of_event, of_error, of_frame)
    if rest and actions:
        raise _wrong(number, f"“{actions[0]}” is about frames, “->” about the event: write them as two rules")
    if rest:
        return _with_fingerprint(rule, rest.removeprefix("->"))
    if not actions:
        raise _wrong(number, "say what to do after “->”, or “+app”, “-app”, “+group” or “-group” for frames")
    if not rule.frame:
        raise _wrong(number, f"“{actions[0]}” is about frames: look for a function, module, path or package")
    return replace(rule, in_app=_last(actions, "app"), is_counted=_last(actions, "group"))


def _asked(matchers: Sequence[tuple[Matcher, bool]], keys: frozenset[str] | None) -> Asked:
    """Those matchers that are about these keys; None: about what is neither an error's nor a frame's."""
    mine = [pair for pair in matchers if (pair[0].key in keys if keys else pair[0].key not in OF_ERROR | OF_FRAME)]
    wanted = tuple(matcher for matcher, is_negated in mine if not is_negated)
    return Asked(wanted, tuple(matcher for matcher, is_negated in mine if is_negated))


def _last(actions: Sequence[str], name: str) -> bool | None:
    """+ or -, whichever stands last."""
    signs = [action[0] for action in actions if action[1:] == name]
    return signs[-1] == "+" if signs else None


def _matcher(number: int, word: str) -> Matcher:
    key, colon, value = word.partition(":")
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
    if value.count("?") > MOST_ANY:
        raise _wrong(number, f"what is looked for may have {MOST_ANY} question marks")
    return Matcher(name, glob_of(_spelt(name, value)))


def _spelt(key: str, glob: str) -> Iterator[tuple[str, bool]]:
    """The characters of a glob, spelt as `told` spells what it is held against."""
    chars = list(_unquoted(glob))
    if key == "stack.abs_path" and chars and chars[0][0] not in "*/\\":
        yield "/", True
    for char, is_literal in chars:
        yield told(key, char), is_literal


def told(key: str, text: str) -> str:
    """A text as it is compared: paths with slashes, in small letters unless it is a name in code."""
    if key == "stack.abs_path":
        text = text.replace("\\", "/")
    return text if key in _EXACT else text.lower()


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


def _wrong(number: int, what: str) -> Invalid:
    return Invalid(f"Line {number}: {what}.", "rules")
