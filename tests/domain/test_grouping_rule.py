"""Grouping rules: what they match, what they change, what is wrong with them, and that none of them is slow."""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain import fingerprint
from bugwatch.domain.errors import Invalid
from bugwatch.domain.event import Event, ExceptionValue, Level
from bugwatch.domain.grouping import ALGORITHMS, Policy, group, older_hashes, source_of
from bugwatch.domain.grouping_rule import (
    EXAMPLES,
    MAX_LENGTH,
    MAX_LINE,
    MAX_MATCHERS,
    MAX_PARTS,
    MAX_PATTERN,
    MAX_RULES,
    in_force,
    judged,
    parse,
    rule_on,
)
from bugwatch.domain.stacktrace import Frame

CRASH = Frame(
    function="connect", module="shop.db", filename="shop/db.py", abs_path="/srv/shop/db.py", package="", in_app=True
)
VENDOR = Frame(function="retry_call", module="tenacity", filename="vendor/tenacity.py", in_app=True)
MAIN = Frame(
    function="main", module="shop.main", filename="shop\\main.py", abs_path="C:\\srv\\shop\\main.py", in_app=True
)
EVENT = Event(
    platform="python",
    level=Level.ERROR,
    logger="shop.orders",
    transaction="/orders/{id}",
    release="shop@2.1",
    tags=(("region", "eu-1"),),
    traits=(("browser", "Firefox 130"),),
    exceptions=(
        ExceptionValue(type="OSError", value="no route", frames=(MAIN,)),
        ExceptionValue(
            type="DatabaseError", module="shop.errors", value="connection refused", frames=(MAIN, VENDOR, CRASH)
        ),
    ),
)


def hits(matchers: str, event: Event = EVENT) -> bool:
    return rule_on(parse(f"{matchers} -> hit"), event).decided_by is not None


@pytest.mark.parametrize(
    "matchers",
    [
        "type:DatabaseError",
        "error.type:Database*",
        "type:shop.errors.DatabaseError",
        "type:*",
        'value:"connection refused"',
        'error.value:"CONNECTION*"',
        "message:*refused*",
        "function:connect",
        "stack.function:con?ect",
        "module:shop.*",
        "path:**/shop/db.py",
        "path:**/vendor/**",
        "path:vendor/*",
        "path:*/SHOP/main.py",
        r"path:C:\srv\*",
        "logger:shop.orders",
        "level:error",
        "platform:PYTHON",
        "release:shop@*",
        "environment:production",
        "transaction:/orders/*",
        "tags.region:eu-?",
        "tags.browser:firefox*",
        "!type:ValueError",
        "!release:1.*",
        "!tags.nothing:*",
        "type:DatabaseError value:*refused function:connect tags.region:eu-1",
        "module:shop.db function:connect",
        "!path:**/node_modules/** module:shop.db",
    ],
)
def test_what_matches(matchers: str) -> None:
    assert hits(matchers)


@pytest.mark.parametrize(
    "matchers",
    [
        "type:databaseerror",  # names in code are told apart by their capitals
        "type:Database",
        "type:?atabase",
        "type:OSError value:*refused",  # of two different exceptions
        "module:shop.main function:connect",  # of two different frames
        "type:DatabaseError tags.region:us-*",
        "package:*",  # what is missing matches nothing
        "tags.nothing:*",
        "!type:OSError",
        "!path:**/vendor/**",
        "!type:*",
        r'message:"connection\*"',  # a star that means itself
        "path:**/shop/db.pyc",
    ],
)
def test_what_does_not(matchers: str) -> None:
    assert not hits(matchers)


def test_a_message_without_exception_is_matched_and_may_be_no_error_at_all() -> None:
    event = Event(message="disk full", message_template="disk %s", platform="go")

    assert hits("message:disk*", event)
    assert hits('message:"disk %s"', event)
    assert hits("!type:ValueError message:disk*", event)
    assert not hits("type:* message:disk*", event)


def grouped(text: str, event: Event = EVENT) -> fingerprint.Grouping:
    return group(event, Policy(text))


def test_the_first_rule_that_matches_decides_and_says_so() -> None:
    text = "type:ValueError -> no\n\n# a comment\ntype:Database* -> database-down, {{ tags.region }}\ntype:* -> late"
    found = grouped(text)

    assert found.hash == fingerprint.group(replace(EVENT, fingerprint=("database-down", "eu-1"))).hash
    assert found.reason == "Grouped by the fingerprint that the project's rule on line 4 sets."
    assert found.components[0].reason == "set by the project's rule on line 4"
    assert found.components[-1].value == "type:Database* -> database-down, {{ tags.region }}"
    assert source_of(found) == ("rule", found.components[-1].value)
    assert found.title == "DatabaseError: connection refused"


def test_a_rule_beats_the_fingerprint_of_the_sdk_and_default_stands_for_ours() -> None:
    sent = replace(EVENT, fingerprint=("mine",))

    assert grouped("type:* -> a", sent).hash == grouped("type:* -> a").hash
    assert grouped("type:* -> {{ default }}", sent).hash == fingerprint.group(EVENT).hash
    assert source_of(grouped("type:* -> {{ default }}", sent)) == ("algorithm", "")
    assert grouped("type:* -> {{ default }} {{ level }}").hash != fingerprint.group(EVENT).hash
    assert source_of(grouped("type:X -> a", sent)) == ("fingerprint", "")
    assert grouped("type:* -> {{type}},{{ function }}").hash == grouped('type:* -> "DatabaseError" "connect"').hash


def test_a_title_is_a_template_and_goes_without_a_fingerprint_too() -> None:
    both = grouped('type:* -> db title="Database in {{ tags.region }}: {{ value }}"')
    only = grouped('type:* -> title="{{ function }} failed"')

    assert (both.title, both.title_type) == ("Database in eu-1: connection refused", "")
    assert (only.title, only.hash) == ("connect failed", fingerprint.group(EVENT).hash)
    assert source_of(only) == ("algorithm", "")
    assert grouped('type:* -> x title="{{ logger }}"', replace(EVENT, logger="")).title == EVENT_TITLE


EVENT_TITLE = "DatabaseError: connection refused"


def test_frames_are_made_the_apps_or_not_and_may_not_count_at_all() -> None:
    def in_app(text: str) -> list[bool | None]:
        return [frame.in_app for frame in rule_on(parse(text), EVENT).event.exceptions[-1].frames]

    assert in_app("path:**/vendor/** -app") == [True, False, True]
    assert in_app("module:* -app\nmodule:shop.* +app") == [True, False, True]
    assert in_app("module:* !module:shop.* -app") == [True, False, True]
    assert in_app("path:**/vendor/** -group") == [True, True]
    assert in_app("path:**/vendor/** -group\nmodule:tenacity +group") == [True, True, True]
    assert in_app("type:ValueError module:* -app") == [True, True, True]
    assert in_app("level:debug module:* -app") == [True, True, True]
    assert rule_on(parse("type:OSError module:* -app"), EVENT).event.exceptions[0].frames[0].in_app is False
    assert [frame.in_app for frame in judged(parse("module:tenacity -group -app"), EVENT).exceptions[-1].frames] == [
        True,
        False,
        True,
    ]


def test_a_rule_for_frames_changes_the_grouping_and_is_told() -> None:
    found = grouped("path:**/vendor/** -app")
    elsewhere = Frame(function="other", module="tenacity", filename="vendor/tenacity.py", in_app=True)
    moved = replace(EVENT.exceptions[-1], frames=(MAIN, elsewhere, CRASH))

    assert found.hash != fingerprint.group(EVENT).hash
    assert found.hash == grouped("path:**/vendor/** -app", replace(EVENT, exceptions=(EVENT.exceptions[0], moved))).hash
    assert found.components[-1].reason == "line 1 of the project's rules says which frames count"
    assert not found.components[-1].contributes


def test_what_a_rule_calls_the_apps_is_the_apps_even_where_browsers_are_not_believed() -> None:
    library = Frame(
        function="render", filename="/node_modules/kit/x.js", abs_path="https://a.b/node_modules/kit/x.js", in_app=True
    )
    event = Event(platform="javascript", exceptions=(ExceptionValue("Error", "x", frames=(library,)),))

    assert "none of them the app's own" in fingerprint.group(event).components[1].reason
    assert "1 of 1 frames, the app's own" in grouped("path:**/kit/** +app", event).components[1].reason


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
    assert not parse("#" * MAX_LENGTH)


def test_a_stored_line_that_is_no_longer_taken_fails_no_event() -> None:
    assert [rule.line for rule in in_force("type:A -> a\nsort:A -> a\ntype:B -> b").rules] == [1, 3]


@given(st.text(alphabet='ab*?"\\ ->{}!:,.type\n#=', max_size=80))
def test_any_text_is_rules_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        rule_on(parse(text), EVENT)
    rule_on(in_force(text), EVENT)


@given(st.text(alphabet="ab*?", min_size=1, max_size=8), st.text(alphabet="ab", max_size=10))
def test_globs_mean_what_they_say(glob: str, value: str) -> None:
    naive = "".join({"*": ".*", "?": "."}.get(char, char) for char in glob)

    assert hits(f"message:{glob}", Event(message=value)) is bool(value and re.fullmatch(naive, value))


def test_hostile_globs_take_few_steps() -> None:
    """Counted, not timed: no pattern of ours can go back into what it has passed."""
    for glob in ("*a" * 90 + "b", "*?" * 90 + "b", "*" * 190 + "b", "*" + "a?" * 90 + "*b"):
        pattern = parse(f"message:{glob} -> x").rules[0].matchers[0].pattern
        assert ".*" not in pattern.pattern.replace("(?>.*?", "").replace(".*+", "")
        assert not pattern.fullmatch("a" * 500)


def test_a_newer_algorithm_brings_the_hash_of_the_one_before_by_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(event: Event) -> fingerprint.Grouping:
        found = fingerprint.group(event)
        return replace(found, hash=bytes(reversed(found.hash)), version=2)

    monkeypatch.setitem(ALGORITHMS, 2, second)
    old, new = Policy("type:* -> one"), Policy("type:* -> one", 2, 1)

    assert group(EVENT, new).hash != group(EVENT, old).hash
    assert older_hashes(EVENT, new) == (group(EVENT, old).hash,)
    assert older_hashes(EVENT, old) == older_hashes(EVENT, Policy("", 2)) == older_hashes(EVENT, Policy("", 1, 1)) == ()
    assert group(EVENT, Policy("", sys.maxsize)).hash == second(EVENT).hash
