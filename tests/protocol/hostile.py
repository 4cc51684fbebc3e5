"""Payloads that no well-behaved SDK sends, for every parser of small JSON payloads."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NOT_OBJECTS = (
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe\x00",
    b"null",
    b"true",
    b"7",
    b'"text"',
    b"[]",
    b"[{}]",
    b"{",
    b'{"a":',
    b'{"a":1}{"b":2}',
    b"[" * 100_000,
    b"not json",
    b"<html></html>",
)

JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    -0.5,
    10**400,
    2**63,
    1e308,
    "",
    " ",
    "junk",
    "7",
    "x" * 20_000,
    "a\x00b",
    "\ud800",
    "\u202e",
    [],
    [None],
    [[]],
    [{}],
    {},
    {"": {}},
    {"values": []},
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def documents(*keys: str, inner: st.SearchStrategy[Any] = values) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of `keys`, and anything under them."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, inner))
