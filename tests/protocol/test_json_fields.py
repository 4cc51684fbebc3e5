from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from bugwatch.domain.errors import Invalid
from bugwatch.protocol.json_fields import child, instant, json_of, member, milliseconds, object_of, objects, text, whole

NOON = 1_790_000_000_000


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("raw", [b"[]", b"null", b"", b"{", b"7"])
def test_what_is_no_object_is_named_in_the_refusal(raw: bytes) -> None:
    with pytest.raises(Invalid, match="The session is not"):
        object_of(raw, "session")


def test_bare_nan_and_stray_bytes_are_read_all_the_same() -> None:
    assert object_of(b'{"a": NaN, "b": "\xff"}', "session") == {"a": "NaN", "b": "\ufffd"}
    assert json_of(b"[1]", "report") == [1]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("abc", "abc"),
        ("  abc\n", "abc"),
        ("a\x00c", "a\ufffdc"),
        ("abcdefgh", "abcde"),
        ("abcd  efgh", "abcd"),
        (7, "7"),
        (True, ""),
        (1.5, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_text(value: Any, read: str) -> None:
    assert text({"a": value}, "a", 5) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, 0),
        (9, 9),
        (10, 9),
        (10**400, 9),
        (2.9, 2),
        (1e400, 9),
        (-1, None),
        (float("nan"), None),
        ("3", None),
        (True, None),
        (None, None),
    ],
)
def test_whole_numbers(value: Any, read: int | None) -> None:
    assert whole({"a": value}, "a", 9) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, 0),
        (1.5, 1_500),
        (0.0004, 0),
        (9, 5_000),
        (1e400, 5_000),
        (10**400, 5_000),
        (-1, None),
        (float("nan"), None),
        ("3", None),
        (True, None),
    ],
)
def test_durations(value: Any, read: int | None) -> None:
    assert milliseconds({"a": value}, "a", 5_000) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1_789_999_990, NOON - 10_000),
        ("2026-09-21T14:13:10Z", NOON - 10_000),
        (1_890_000_000, NOON),
        (1, NOON),
        ("junk", NOON),
        (None, NOON),
        (1e400, NOON),
    ],
)
def test_instants(value: Any, read: int) -> None:
    assert instant({"a": value}, "a", NOON) == read


def test_an_instant_moves_with_the_senders_clock() -> None:
    assert instant({"a": 1_700_000_000}, "a", NOON, drift=NOON - 1_700_000_005_000) == NOON - 5_000


def test_children_and_members() -> None:
    assert child({"a": {"b": 1}}, "a") == {"b": 1}
    assert child({"a": [1]}, "a") == child({}, "a") == {}
    assert objects({"a": [{"b": 1}, None, {"b": 2}, {"b": 3}]}, "a", 3) == [{"b": 1}, {"b": 2}]
    assert objects({"a": {"b": 1}}, "a", 3) == []
    assert (member(Colour, "red"), member(Colour, "RED"), member(Colour, "")) == (Colour.RED, None, None)
