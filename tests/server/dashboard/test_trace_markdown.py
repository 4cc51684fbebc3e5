"""The event as Markdown: whole, and nothing in it is anything but text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.stacktrace import Frame
from bugwatch.server.dashboard.trace_markdown import trace_markdown

CART = Frame(
    function="total",
    filename="shop/cart.py",
    lineno=48,
    in_app=True,
    pre_context=("def total(cart):",),
    context_line="    return best.price",
    post_context=("",),
    vars={"best": "None", "blob": "x" * 900},
)


def event(value: str = "no", **given: object) -> Event:
    library = Frame(function="call", filename="flask/app.py", lineno=9, in_app=False)
    cause = ExceptionValue("KeyError", "'k'")
    error = ExceptionValue("ValueError", value, frames=(CART, library))
    defaults: dict[str, object] = {"platform": "python", "event_id": "ab" * 16, "release": "1.0"}
    return Event(exceptions=(cause, error), **{**defaults, **given})  # type: ignore[arg-type]


def test_it_says_what_it_is_the_whole_chain_and_where_it_failed() -> None:
    text = trace_markdown(event(), "ValueError: no", (("Issue", "SHOP-1"), ("In", "")))

    assert text.startswith("# `ValueError: no`\n\n- Issue: `SHOP-1`\n- Event: `" + "ab" * 16)
    assert "- Release: `1.0`" in text
    assert "- In" not in text
    assert "KeyError: 'k'" in text
    assert "During handling of the above exception" in text
    assert (
        "## Failed in `shop/cart.py`\n\n```python\n    47 def total(cart):\n>   48     return best.price\n    49\n```"
        in text
    )
    assert "best = None\nblob = " + "x" * 200 + "\n" in text


def test_a_message_without_a_trace_is_there_too() -> None:
    text = trace_markdown(Event(message="disk full\nsince noon"), "disk full", ())

    assert "## Message\n\n```\ndisk full\nsince noon\n```" in text
    assert "## Stack trace" not in text


@given(st.text(alphabet="`~#<>@*_[]()!\n x", max_size=60))
def test_what_comes_from_an_event_never_leaves_its_code(value: str) -> None:
    shown = trace_markdown(event(value + "<script>", release=value), value, ())

    outside = re.sub(r"(?ms)^(`{3,})[a-z]*\n.*?\n\1$", "", shown)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert "<script>" not in outside
    assert not set(outside) & set("<>@*[]!~")
