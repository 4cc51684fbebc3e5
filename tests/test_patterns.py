"""Before 3.11.5 CPython matches possessive quantifiers over more than one character wrongly (gh-106052), and Debian 12
has 3.11.2: there `(?:…)*+` would group otherwise and overlook secrets. `(?>…)*+` is right on all, if nothing in it is
captured, and needs no memory for each repetition, as `(?>(?:…)*)` does.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import bugwatch

_RIGHT = {_constants.ATOMIC_GROUP, _constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY}


def test_only_single_characters_and_atomic_groups_are_repeated_possessively() -> None:
    patterns = {pattern.pattern: pattern for pattern in _patterns()}
    wrong = [text for text, pattern in patterns.items() if list(_unsafe(_parser.parse(text, pattern.flags)))]

    assert len(patterns) > 100
    assert wrong == []


@pytest.mark.parametrize(
    "text", [r'"(?:[^"\\]|\\.)*+"', r"(?:(a|b)c)++", r"x(?=(?:ab)?+)", r"(?P<n>(?:a{2}){1,3}+)", r"(?>(a)|b)*+"]
)
def test_what_is_repeated_wrongly_is_seen(text: str) -> None:
    assert list(_unsafe(_parser.parse(text)))


@pytest.mark.parametrize(
    "text", [r'"(?>(?:[^"\\]|\\.)*)"', r'"(?>[^"\\]|\\.)*+"', r"[a-z]*+", r"\s++x{0,3}+", r"(?:ab)*"]
)
def test_what_is_repeated_rightly_is_not(text: str) -> None:
    assert not list(_unsafe(_parser.parse(text)))


def _patterns() -> Iterator[re.Pattern[Any]]:
    """All that the modules of the package have compiled, also into their lists and tables."""
    for found in pkgutil.walk_packages(bugwatch.__path__, "bugwatch."):
        if not found.name.endswith("__main__"):
            for value in list(vars(importlib.import_module(found.name)).values()):
                yield from _within(value)


def _within(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _within(item)
    elif isinstance(value, dict):
        yield from _within(list(value.values()))


def _unsafe(tree: Any) -> Iterator[Any]:
    """The possessive repeats that old versions get wrong, at any depth of what the parser made."""
    for item in tree:
        if isinstance(item, tuple) and item and item[0] is _constants.POSSESSIVE_REPEAT:
            repeated = item[1][2]
            if len(repeated) != 1 or repeated[0][0] not in _RIGHT or list(_captured(repeated)):
                yield item
        if isinstance(item, tuple | list | _parser.SubPattern):
            yield from _unsafe(item)


def _captured(tree: Any) -> Iterator[Any]:
    """The groups with a number: captured in a possessive repeat, they may raise SystemError."""
    for item in tree:
        if isinstance(item, tuple) and item and item[0] is _constants.SUBPATTERN and item[1][0] is not None:
            yield item
        if isinstance(item, tuple | list | _parser.SubPattern):
            yield from _captured(item)
