from __future__ import annotations

import json
import tracemalloc

import pytest

from bugwatch.domain.errors import Invalid
from bugwatch.protocol.lenient_json import MAX_DEPTH, parse, parse_object


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'{"a": NaN, "b": -Infinity}', {"a": "NaN", "b": "-Infinity"}),
        (b'{"a": 1e999}', {"a": "1e999"}),
        (b'{"a": "\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"\\udc00": "\\ud83d\\ude00"}', {"\ufffd": "😀"}),
        (b'{"a": "\xff\xfe"}', {"a": "\ufffd\ufffd"}),
        (b'{"a": "line\nline"}', {"a": "line\nline"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": ' + b"9" * 30 + b"}", {"a": int("9" * 30)}),
        (b'{"a": ' + b"9" * 5000 + b"}", {"a": "9" * 5000}),
    ],
)
def test_json_is_read_as_it_really_arrives(raw: bytes, value: object) -> None:
    assert parse(raw)[0] == value


@pytest.mark.parametrize(
    "raw", [b"", b"   ", b"{", b'{"a": }', b'{"a": "x', b'{"a": 1} x', b"nope", b"\xff\xfe\x00", b"[" * 100_000]
)
def test_what_is_no_json_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(Invalid, match=r"^The event is not valid JSON: .+\.$"):
        parse_object(raw)


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"12", b"NaN"])
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid, match=r"^The event is not a JSON object\.$"):
        parse_object(raw)


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_a_nesting_bomb_costs_only_its_own_branch(brackets: tuple[str, str]) -> None:
    opening, closing = brackets
    raw = f'{{"bomb": {opening * 200_000}1{closing * 200_000}, "message": "still {{here}} [1]"}}'.encode()

    value, remarks = parse_object(raw)

    assert value["message"] == "still {here} [1]"
    assert remarks == (f"what was nested deeper than {MAX_DEPTH} levels was cut",)
    assert depth_of(value["bomb"]) == MAX_DEPTH - 1


def test_bombs_one_after_another_are_all_cut() -> None:
    bomb = "[" * 5_000 + "]" * 5_000

    value, _ = parse_object(f'{{"a": {bomb}, "b": [{bomb}, 2], "c": 3}}'.encode())

    assert value["c"] == 3
    assert value["b"][1] == 2


def test_a_string_full_of_quotes_and_brackets_does_not_slow_the_cutting_down() -> None:
    hostile = '{"bomb": ' + "[" * 20_000 + '"' + '\\"[' * 200_000

    with pytest.raises(Invalid):
        parse_object(hostile.encode())


def test_a_long_string_beside_a_bomb_needs_little_memory() -> None:
    raw = b'{"a": "' + rb"x\n" * 100_000 + b'", "b": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"

    tracemalloc.start()
    try:
        parse(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 10 * len(raw)


def test_repairs_are_told() -> None:
    assert parse_object(b'{"a": "\xff"}')[1] == ("bytes that are not UTF-8 were replaced",)
    assert parse_object(b'{"a": "fine"}')[1] == ()


def test_what_comes_out_can_be_written_as_json_again() -> None:
    value, _ = parse(b'{"a": ["\\ud800", NaN, 1e999, {"\\udfff": "\xc3\x28"}]}')

    json.dumps(value, allow_nan=False).encode()
    json.dumps(value, ensure_ascii=False).encode()


def depth_of(value: object) -> int:
    depth = 0
    while isinstance(value, list | dict):
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
        depth += 1
    return depth
