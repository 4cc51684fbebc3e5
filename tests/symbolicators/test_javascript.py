"""What source maps say, and that broken ones say so. The maps of the public test suites are beside the fixture."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest

from bugwatch.domain.symbolication import Position
from bugwatch.symbolicators.child import Reader, Request, Response, Unusable
from bugwatch.symbolicators.javascript import JavaScript

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sourcemaps"
CODE = (FIXTURES / "app.js").read_bytes()
MAP = (FIXTURES / "app.js.map").read_bytes()
ONE_LINE = b'{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}'

open_map = JavaScript().open


def look(artifact: bytes, line: int = 1, column: int = 1, code: bytes = b"x()") -> Position | None:
    return open_map(code, artifact)(line, column)


def test_a_place_in_minified_code_is_one_in_a_function_of_its_source() -> None:
    lookup = open_map(CODE, MAP)

    crash = lookup(1, 135)
    assert crash == Position(
        file="webpack://shop/./src/cart.ts",
        line=15,
        column=22,
        function="priceOf",
        context_line="  return item.price!.cents;",
        pre_context=(
            "  }",
            "}",
            "",
            "export function priceOf(item: Item): number {",
            "  // fails for an item without a price",
        ),
        post_context=("}", ""),
    )
    callers = [lookup(1, column) for column in (96, 80, 207)]
    assert [(p.function, p.line) for p in callers if p] == [("", 9), ("Cart.total", 9), ("checkout", 6)]


@pytest.mark.parametrize("is_index", [False, True])
def test_every_mapping_of_a_build_is_found_as_the_reference_finds_it(is_index: bool) -> None:
    """`plain.positions.json` is what @jridgewell/trace-mapping reads in the map, columns from 0."""
    artifact, lines_before = (FIXTURES / "plain.js.map").read_bytes(), 0
    if is_index:
        sections = [{"offset": {"line": line, "column": 0}, "map": json.loads(artifact)} for line in (0, 40)]
        artifact, lines_before = json.dumps({"version": 3, "sections": sections}).encode(), 40
    lookup = open_map(b"", artifact)

    for line, column, source, source_line, source_column in json.loads(
        (FIXTURES / "plain.positions.json").read_bytes()
    ):
        found = lookup(line + lines_before, column + 1)
        assert found is not None
        assert (found.file, found.line, found.column - 1) == (source, source_line, source_column), (line, column)


def test_without_the_code_only_the_functions_are_missing() -> None:
    found = look(MAP, 1, 135, code=b"")

    assert found is not None
    assert (found.line, found.function) == (15, "")


def test_a_map_comes_in_many_wrappings() -> None:
    inline = b"x()\n//# sourceMappingURL=data:application/json;charset=utf-8;base64," + base64.b64encode(ONE_LINE)
    index = {"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": json.loads(ONE_LINE)}]}
    for artifact, code in (
        (ONE_LINE, b"x()"),
        (b"\xef\xbb\xbf" + ONE_LINE, b"\xff\xfe not utf-8"),
        (b")]}'\n" + ONE_LINE, b""),
        (gzip.compress(ONE_LINE), gzip.compress(b"x()")),
        (json.dumps(index).encode(), b"x()"),
        (b"", inline),
        (b"", inline.replace(b"//#", b"//@") + b"\n"),
    ):
        found = look(artifact, code=code)
        assert found is not None, artifact
        assert (found.file, found.line, found.column) == ("a.ts", 1, 1), artifact
        assert found.context_line is None


@pytest.mark.parametrize(
    "artifact",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"version":3,"sources":' + b"[" * 100_000,
        ONE_LINE.replace(b"3", b"2", 1),
        ONE_LINE.replace(b"3", b'"three"', 1),
        ONE_LINE.replace(b'"AAAA"', b'"AAAAAAAAAA"'),
        ONE_LINE.replace(b'"AAAA"', b'"A*AA"'),
        ONE_LINE.replace(b'"AAAA"', b'"AAAAg"'),
        ONE_LINE.replace(b'"AAAA"', b'"AEAA"'),
        ONE_LINE.replace(b'"AAAA"', b"17"),
        ONE_LINE.replace(b'["a.ts"]', b'{"a":1}'),
        ONE_LINE[:-9],
        gzip.compress(ONE_LINE)[:-9],
        gzip.compress(bytes(300 * 1024 * 1024), 1),
    ],
    ids=range(18),
)
def test_a_broken_map_says_so(artifact: bytes) -> None:
    with pytest.raises(Unusable):
        look(artifact)


def test_a_map_says_nothing_of_places_that_it_does_not_know() -> None:
    lookup = open_map(CODE, MAP)

    assert [lookup(line, column) for line, column in ((2, 1), (99, 5), (2**31 - 1, 2**31 - 1), (1, 0))] == [None] * 4
    assert look(ONE_LINE.replace(b'["a.ts"]', b"[null]")) is None
    assert look(ONE_LINE.replace(b'"AAAA"', b'""')) is None


def test_a_mapping_that_says_the_same_as_the_one_before_it_on_an_earlier_line_is_found() -> None:
    # Lines 1, 2 and 4 begin at column 4 with the same place of a.ts, line 3 is not mapped.
    lookup = open_map(b"", ONE_LINE.replace(b'"AAAA"', b'"IAAA;IAAA;;IAAA,IAAC"'))

    found = [[lookup(line, column) for column in (4, 5, 9)] for line in (1, 2, 3, 4)]
    assert [[place and place.column for place in row] for row in found] == [
        [None, 1, 1],
        [None, 1, 1],
        [None, None, None],
        [None, 1, 2],
    ]


def test_what_is_too_long_is_cut_and_what_no_database_takes_is_replaced() -> None:
    artifact = ONE_LINE[:-1] + b',"sourcesContent":["\\u0000' + b"x" * 100_000 + b'"]}'

    found = look(artifact.replace(b"a.ts", b"\\u0000" + b"a" * 100_000))

    assert found is not None
    assert found.context_line == "\ufffd" + "x" * 399
    assert found.file == "\ufffd" + "a" * 999


def test_the_reader_keeps_what_it_has_parsed_and_asks_for_the_rest() -> None:
    reader = Reader()

    assert reader.answer(Request("javascript", b"a", [(1, 1)])) == Response([], is_known=False)
    first = reader.answer(Request("javascript", b"a", [(1, 1), (9, 9)], (b"", ONE_LINE)))
    assert first == reader.answer(Request("javascript", b"a", [(1, 1), (9, 9)]))
    assert [position and position.line for position in first.found] == [1, None]
    assert reader.answer(Request("javascript", b"b", [(1, 1)], (b"", b"{}"))).is_broken
    assert reader.answer(Request("javascript", b"b", [(1, 1)])).is_broken


def test_the_reader_lets_go_of_the_oldest_when_it_holds_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bugwatch.symbolicators.child.KEPT_BYTES", 2 * len(ONE_LINE))
    reader = Reader()
    for key in (b"a", b"b", b"a", b"c"):
        reader.answer(Request("javascript", key, [], (b"", ONE_LINE)))

    known = [key for key in (b"a", b"b", b"c") if reader.answer(Request("javascript", key, [])).is_known]
    assert known == [b"a", b"c"]
