"""What rules match, and what they make of frames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.grouping_rule import parse
from bugwatch.domain.ruling import MAX_ERRORS, MAX_FRAMES, MAX_VALUE, judged, rule_on
from bugwatch.domain.stacktrace import Frame
from tests.domain.shop_event import EVENT


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


def test_frames_are_remembered_in_bounds() -> None:
    rules = parse("function:f* -app")
    for number in range(1_100):
        rule_on(rules, Event(exceptions=(ExceptionValue(frames=(Frame(function=f"f{number}"),)),)))
    assert 0 < len(rules.known) <= 1_024
    known = len(rules.known)
    huge = Frame(function="f" * 601)
    assert rule_on(rules, Event(exceptions=(ExceptionValue(frames=(huge,)),))).frame_rules
    assert len(rules.known) == known


def test_what_is_too_long_is_looked_at_from_its_end_or_beginning() -> None:
    deep = ExceptionValue(frames=tuple(Frame(function=f"f{n}") for n in range(MAX_FRAMES + 1)))
    assert hits("function:f1", Event(exceptions=(deep,)))
    assert not hits("function:f0", Event(exceptions=(deep,)))
    assert (
        len(rule_on(parse("function:f* -app"), Event(exceptions=(deep,))).event.exceptions[0].frames) == MAX_FRAMES + 1
    )

    chain = Event(exceptions=tuple(ExceptionValue(type=f"E{n}") for n in range(MAX_ERRORS + 1)))
    assert hits("type:E1", chain)
    assert not hits("type:E0", chain)
    assert len(rule_on(parse("function:f* -app"), chain).event.exceptions) == MAX_ERRORS + 1

    assert hits("message:*a", replace(EVENT, message="a" * MAX_VALUE))
    assert not hits("message:*b", replace(EVENT, message="a" * MAX_VALUE + "b"))
