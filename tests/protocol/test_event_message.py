from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes
from bugwatch.protocol.event_message import format_message, message_of


@pytest.mark.parametrize(
    ("logentry", "message", "expected"),
    [
        (None, "plain", ("plain", "", None)),
        (None, None, ("", "", None)),
        (None, "", ("", "", None)),
        ("text", None, ("text", "", None)),
        ({}, "plain", ("plain", "", None)),
        (None, {"formatted": "done"}, ("done", "", None)),
        (None, {"message": "Hi %s", "params": ["Ada"]}, ("Hi Ada", "Hi %s", ["Ada"])),
        ({"message": "Hi %s", "formatted": "Hi Ada", "params": ["Ada"]}, None, ("Hi Ada", "Hi %s", ["Ada"])),
        ({"message": "same", "formatted": "same", "params": []}, None, ("same", "", None)),
        ({"message": "only template"}, None, ("only template", "", None)),
        ({"message": "Hi %s", "params": []}, "Hi Ada", ("Hi Ada", "Hi %s", None)),
        ({"message": "Hi {name}", "params": {"name": "Ada"}}, None, ("Hi Ada", "Hi {name}", {"name": "Ada"})),
        ({"message": 7}, None, ("7", "", None)),
        ({"message": ["a"]}, None, ('["a"]', "", None)),
        (["a", 1], None, ('["a",1]', "", None)),
        (7, None, ("7", "", None)),
        ({"params": "x", "message": "m"}, None, ("m", "", None)),
    ],
)
def test_a_message_in_every_shape(logentry: Any, message: Any, expected: tuple[str, str, Any]) -> None:
    assert message_of(logentry, message, Notes()) == expected


@pytest.mark.parametrize(
    ("template", "params", "text"),
    [
        ("%s of %d", ["p", 12], "p of 12"),
        ("%(who)s %(what)s", {"who": "Ada"}, "Ada %(what)s"),
        ("%.2f%%", [0.5], "0.50%"),
        ("%5d|%-8s|%r", [1, "a", "b"], "1|a|b"),
        ("%s %s", ["one"], "one %s"),
        ("100%", ["x"], "100%"),
        ("{} and {}", ["a", "b"], "a and b"),
        ("{0}{1}{0}", ["a", "b"], "aba"),
        ("{name} {", {"name": "x"}, "x {"),
        ("{0.__class__}", ["a"], "{0.__class__}"),
        ("%999999999s", ["a"], "%999999999s"),
        ("%s", [None], "None"),
        ("%s", [{"a": 1}], '{"a":1}'),
        ("%s", None, "%s"),
        ("%s", "text", "%s"),
        ("%(0)s", ["a"], "a"),
    ],
)
def test_formatting_fills_in_what_fits_and_never_fails(template: str, params: Any, text: str) -> None:
    assert format_message(template, params) == text


def test_a_large_parameter_used_often_stays_within_bounds() -> None:
    tracemalloc.start()
    try:
        text = format_message("%(a)s" * 100_000, {"a": "x" * 1_000_000})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert text == "x" * limits.MESSAGE
    assert peak < 20_000_000
