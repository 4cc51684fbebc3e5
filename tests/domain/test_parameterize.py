from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]  # the standard library's reading of a pattern

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain import parameterize as module
from bugwatch.domain.message_rules import RULES
from bugwatch.domain.parameterize import MAX_LENGTH, parameterize

EXAMPLES = [(rule.name, example) for rule in RULES for example in rule.examples]

TABLE = Path(__file__).parents[1] / "fixtures" / "messages.txt"
ROWS = [tuple(line.split(" | ", 1)) for line in TABLE.read_text().splitlines() if " | " in line and line[0] != "#"]


@pytest.mark.parametrize("frame", ["{}", "{} failed", "failed: {}", "failed for {}.", "({})", 'x={}, y="{}"'])
@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_of_a_rule_is_replaced_as_a_whole(name: str, example: str, frame: str) -> None:
    named = "<str>" if frame.endswith('"') else f"<{name}>"

    assert parameterize(frame.format(example, example)) == frame.format(f"<{name}>", "\0").replace('"\0"', named)


@pytest.mark.parametrize(("message", "key"), ROWS, ids=[message for message, _ in ROWS])
def test_what_varies_is_named_and_what_says_the_mistake_stays(message: str, key: str) -> None:
    assert parameterize(message) == key


def test_a_key_of_a_key_is_no_other_key_again() -> None:
    """A message may have gone through a tool of this kind before."""
    for _, key in ROWS:
        once = parameterize(key)
        assert parameterize(once) == once


def test_no_text_is_read_beyond_the_limit() -> None:
    """What comes after the limit cannot cost anything: ten megabytes of the worst are as quick as one kilobyte."""
    for piece in ("a@", "1:", '="', "http://", "Mon ", "x" * 63 + ".", "1" * 80 + "a", "values (1), (", "::1", "'"):
        long = piece * (10_000_000 // len(piece))

        assert parameterize(long) == parameterize(long[:MAX_LENGTH])


def repeats(tree: object, outer: int = 1) -> Iterator[tuple[int, int]]:
    """Every quantifier of a pattern: how often it may repeat, and how often those around it may repeat it."""
    for code, argument in tree:  # type: ignore[attr-defined]
        if code in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            _, most, inner = argument
            yield int(most), outer
            # What a possessive repeat has taken it does not give back.
            yield from repeats(inner, outer if code is _constants.POSSESSIVE_REPEAT else outer * int(most))
        elif code is _constants.BRANCH:
            for branch in argument[1]:
                yield from repeats(branch, outer)
        elif code is _constants.SUBPATTERN:
            yield from repeats(argument[-1], outer)
        elif code in (_constants.ASSERT, _constants.ASSERT_NOT):
            yield from repeats(argument[1], outer)


@pytest.mark.parametrize("pattern", [module._PATTERN, module._LIST, module._HASH, module._NUMBERED, module._RUN])
def test_matching_is_linear_by_construction(pattern: re.Pattern[str]) -> None:
    """No quantifier of the big pattern is without end, so the work at one place is bounded: all is linear. The small
    ones see one word each."""
    for most, outer in repeats(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)):
        assert most <= 1_000 or pattern is not module._PATTERN
        assert outer <= 50 or most <= 20


@given(st.text(max_size=300))
def test_any_text_will_do(text: str) -> None:
    parameterize(text)
