from __future__ import annotations

from typing import Any

import pytest

from bugwatch.domain.event import Request
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes
from bugwatch.protocol.event_request import request_of


def request(**fields: Any) -> Request:
    found = request_of(fields, Notes())
    assert found is not None
    return found


@pytest.mark.parametrize("value", [None, {}, [], "x", 7])
def test_no_request(value: Any) -> None:
    assert request_of(value, Notes()) is None


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://x.example/a?b=1&c=#d?e", ("https://x.example/a", (("b", "1"), ("c", "")), "d?e")),
        ("https://x.example/a", ("https://x.example/a", (), "")),
        ("//[bad?x=1", ("//[bad", (("x", "1"),), "")),
        (7, ("7", (), "")),
    ],
)
def test_the_url_loses_query_and_fragment_to_their_fields(url: Any, parts: tuple[str, Any, str]) -> None:
    found = request(url=url)

    assert (found.url, found.query_string, found.fragment) == parts


def test_the_query_string_of_its_own_field_wins() -> None:
    assert request(url="/a?b=1", query_string="c=2").query_string == (("c", "2"),)


@pytest.mark.parametrize(
    "query", ["a=1&b=", "?a=1&b=", [["a", "1"], ["b", ""]], {"a": 1, "b": None}, [["a", 1], ["b", ""], ["c"], None, 7]]
)
def test_query_strings_in_every_shape(query: Any) -> None:
    assert request(query_string=query).query_string == (("a", "1"), ("b", ""))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "x.example", "Accept": "text/html, */*"},
        [["Host", "x.example"], ["Accept", "text/html, */*"]],
        {"Host": ["x.example"], "Accept": ["text/html", "*/*"]},
    ],
)
def test_headers_in_every_shape(headers: Any) -> None:
    assert request(headers=headers).headers == (("Host", "x.example"), ("Accept", "text/html, */*"))


@pytest.mark.parametrize(
    "fields",
    [
        {"cookies": "a=1; b=x=y"},
        {"cookies": [["a", "1"], ["b", "x=y"]]},
        {"cookies": {"a": "1", "b": "x=y"}},
        {"headers": {"cookie": "a=1; b=x=y"}},
        {"headers": {"Cookie": ["a=1; b=x=y"]}},
        {"headers": [["Cookie", "a=1"], ["cookie", "b=x=y"]]},
    ],
)
def test_cookies_in_every_shape_and_out_of_the_headers(fields: dict[str, Any]) -> None:
    found = request(**fields)

    assert found.cookies == (("a", "1"), ("b", "x=y"))
    assert found.headers == ()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ('{"card": "visa"}', {"card": "visa"}),
        (" [1, NaN]", [1, "NaN"]),
        ("{not json", "{not json"),
        ("a=1&b=2", "a=1&b=2"),
        ({"a": [1]}, {"a": [1]}),
        (None, None),
        (7, 7),
        ("", ""),
    ],
)
def test_bodies(data: Any, body: Any) -> None:
    assert request(data=data).data == body


def test_a_bomb_inside_a_body_that_was_sent_as_text_is_cut() -> None:
    assert str(request(data='{"a": ' + "[" * 100_000 + "]" * 100_000 + "}").data).startswith("{'a': [[")


def test_a_large_body_is_cut_with_a_note() -> None:
    notes = Notes()

    found = request_of({"data": {"first": 1, "text": "x" * limits.BODY.characters, "last": 1}}, notes)

    assert found is not None
    assert isinstance(found.data, dict)
    assert list(found.data) == ["first", "text"]
    assert [note.path for note in notes] == ["request.data"]


def test_too_many_headers_are_cut_with_a_note() -> None:
    notes = Notes()

    found = request_of({"headers": {f"x-{n}": "1" for n in range(limits.PAIRS + 1)}}, notes)

    assert found is not None
    assert len(found.headers) == limits.PAIRS
    assert [note.original_length for note in notes] == [limits.PAIRS + 1]


@pytest.mark.parametrize("odd", [7, "x", True, [7], [[]], [[1, 2, 3]], {"": "x"}])
def test_odd_headers_are_dropped(odd: Any) -> None:
    assert request(url="/", headers=odd).headers == ()
