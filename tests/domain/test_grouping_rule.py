"""Grouping rules as they are written: what is taken, and what is wrong with the rest."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.grouping_rule import (
    EXAMPLES,
    MAX_LENGTH,
    MAX_LINE,
    MAX_MATCHERS,
    MAX_PARTS,
    MAX_PATTERN,
    MAX_RULES,
    in_force,
    parse,
)
from bugwatch.domain.ruling import rule_on
from tests.domain.shop_event import EVENT


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("type:A", "Line 1: say what to do after “->”, or “+app”, “-app”, “+group” or “-group” for frames."),
        ("-> a", "Line 1: a rule begins with what it looks for, such as “type:ValueError”."),
        ("-app", "Line 1: a rule begins with what it looks for, such as “type:ValueError”."),
        ("# fine\n\nValueError -> a", "Line 3: expected something such as “type:ValueError”, found “ValueError”."),
        ("type: -> a", "Line 1: expected something such as “type:ValueError”, found “type:”."),
        ("sort:A -> a", "Line 1: “sort” is nothing that a rule can look at."),
        ("tags.:A -> a", "Line 1: “tags.” is nothing that a rule can look at."),
        ("type:A ->", "Line 1: after “->” comes a fingerprint"),
        ('type:"A -> a', "Line 1: a quotation mark is not closed."),
        ('type:A -> "a', "Line 1: a quotation mark is not closed."),
        ('type:A -> a title="x', "Line 1: a quotation mark is not closed."),
        ("type:A -> {{ nothing }}", "Line 1: there is no “{{ nothing }}”. There are default, environment"),
        ('type:A -> title="{{ default }}"', "Line 1: there is no “{{ default }}”."),
        ("type:A -> {{ type", "Line 1: a variable is written as “{{ error.type }}”."),
        ("type:A -app -> a", "Line 1: “-app” is about frames, “->” about the event"),
        ("type:A -app", "Line 1: “-app” is about frames: look for a function, module, path or package."),
        ("type:a -> a".ljust(MAX_LINE + 1, ","), "Line 1: a rule may have 1,000 characters."),
        ("# a\x00b", "Line 1: there is a character in it that cannot be seen."),
        ("type:a -> \ud800", "Line 1: there is a character in it that cannot be seen."),
        ("\ntype:a\u00a0-> a", "Line 2: there is a character in it that cannot be seen."),
        (f"type:{'a' * (MAX_PATTERN + 1)} -> a", f"Line 1: what is looked for may have {MAX_PATTERN} characters."),
        (f"type:a -> {'a' * (MAX_PATTERN + 1)}", "Line 1: a part of a fingerprint, and a title, may have"),
        (
            "type:a " * (MAX_MATCHERS + 1) + "-> a",
            f"Line 1: a rule may look for {MAX_MATCHERS} things, this one has 11.",
        ),
        ("type:a -> " + "a " * (MAX_PARTS + 1), f"Line 1: a fingerprint may have {MAX_PARTS} parts, this one has 11."),
        ("type:a -> a\n" * (MAX_RULES + 1), f"Line {MAX_RULES + 1}: a project may have {MAX_RULES} rules"),
        ("#" * (MAX_LENGTH + 1), "Rules may have 10,000 characters in all; these have 10,001."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert str(caught.value).startswith(problem)
    assert caught.value.field == "rules"


def test_what_just_fits_is_taken() -> None:
    assert [rule.line for rule in parse(EXAMPLES).rules] == [2, 4, 6, 7]
    parse("\n".join(["type:a -> a"] * MAX_RULES))
    parse("type:a " * MAX_MATCHERS + "-> " + "a " * MAX_PARTS)
    parse("type:a\t->\ta".ljust(MAX_LINE, ","))
    parse(f"type:{'a' * MAX_PATTERN} -> {'b' * MAX_PATTERN}")
    assert parse("#" * MAX_LENGTH).rules == ()


def test_a_stored_line_that_is_no_longer_taken_fails_no_event() -> None:
    assert [rule.line for rule in in_force("type:A -> a\nsort:A -> a\ntype:B -> b").rules] == [1, 3]


@given(st.text(alphabet='ab*?"\\ ->{}!:,.type\n#=', max_size=80))
def test_any_text_is_rules_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        rule_on(parse(text), EVENT)
    rule_on(in_force(text), EVENT)
