from __future__ import annotations

import pytest

from bugwatch.domain.mapped_frame import is_mappable, is_source, mapped, shown_file
from bugwatch.domain.stacktrace import Frame
from bugwatch.domain.symbolication import Origin, Position, Verdict, clean_debug_id, in_context


def test_a_source_is_shown_without_what_its_bundler_put_before_it() -> None:
    for file, shown in {
        "webpack://shop/./src/cart.ts": "src/cart.ts",
        "webpack://shop/src/cart.vue?4f2a": "src/cart.vue",
        "webpack:///./src/cart.ts": "src/cart.ts",
        "webpack-internal:///(app-pages-browser)/./src/cart.tsx": "src/cart.tsx",
        "turbopack:///[project]/src/cart.tsx": "src/cart.tsx",
        "turbopack://[project]/src/cart.tsx": "src/cart.tsx",
        "file:///home/ada/shop/cart.ts": "/home/ada/shop/cart.ts",
        "../../src/cart.ts": "src/cart.ts",
        "~/src/cart.ts": "src/cart.ts",
        "..\\src\\cart.ts": "src/cart.ts",
        "https://shop.example/src/cart.ts": "https://shop.example/src/cart.ts",
        "src/what?.ts": "src/what?.ts",
        "../": "../",
        "": "",
    }.items():
        assert shown_file(file) == shown, file


@pytest.mark.parametrize(
    ("frame", "is_one"),
    [
        (Frame(abs_path="https://a.example/app.js", lineno=1), True),
        (Frame(abs_path="/srv/app/main.js", lineno=1), True),
        (Frame(abs_path="app.js", lineno=1, platform="python"), False),
        (Frame(abs_path="app.js"), False),
        (Frame(lineno=1), False),
        (Frame(abs_path="node:internal/process/task_queues", lineno=1), False),
        (Frame(abs_path="<anonymous>", lineno=1), False),
        (Frame(abs_path="[native code]", lineno=1), False),
        (Frame(abs_path="native", lineno=1), False),
        (Frame(abs_path="chrome-extension://abc/app.js", lineno=1), False),
        (Frame(abs_path="safari-web-extension://abc/app.js", lineno=1), False),
        (Frame(abs_path="wasm://wasm/1f", lineno=1), False),
        (Frame(abs_path="webpack-internal:///./src/cart.ts", lineno=1), False),
    ],
)
def test_only_frames_of_the_apps_javascript_can_be_mapped(frame: Frame, is_one: bool) -> None:
    assert is_mappable(frame, "javascript") is is_one
    assert not is_mappable(frame, "python") or frame.platform == "javascript"


def test_a_mapped_frame_keeps_what_the_map_does_not_know() -> None:
    raw = Frame("o", "o", "app", "shop", "app.js", "app.js", "node", 1, 135, True, "…", vars={"a": 1}, rest={"b": 2})
    origin = Origin(Verdict.MAPPED, raw)
    position = Position("../src/cart.ts", 15, 22, "priceOf", "x", ("w",), ("y",))

    made = mapped(raw, position, origin)

    assert (made.filename, made.abs_path, made.lineno, made.colno) == ("src/cart.ts", "../src/cart.ts", 15, 22)
    assert (made.function, made.raw_function, made.module) == ("priceOf", "", "")
    assert (made.package, made.platform, made.in_app, made.vars, made.rest) == (
        "shop",
        "node",
        True,
        {"a": 1},
        {"b": 2},
    )
    assert (made.context_line, made.pre_context, made.post_context, made.origin) == ("x", ("w",), ("y",), origin)
    assert mapped(raw, Position("../node_modules/a/b.js", 1, 1), origin).in_app is False


def test_code_in_short_lines_is_source() -> None:
    assert is_source(Frame(context_line="x" * 300))
    assert not is_source(Frame(context_line="x" * 301))
    assert not is_source(Frame())


def test_a_line_stands_among_its_neighbours() -> None:
    lines = [str(number) for number in range(1, 21)]
    for line, around in ((1, (0, 5)), (3, (2, 5)), (10, (5, 5)), (20, (5, 0))):
        found = in_context(Position("a.ts", line, 1), lines)
        assert found.context_line == str(line)
        assert (len(found.pre_context), len(found.post_context)) == around
        assert [*found.pre_context, found.context_line, *found.post_context] == lines[max(line - 6, 0) : line + 5]
    for line in (0, 21):
        assert in_context(Position("a.ts", line, 1), lines).context_line is None


def test_debug_ids_have_one_spelling() -> None:
    proper = "6f4e1e80-1f4a-4c5b-9d31-0000000000a1"
    for text in (proper, proper.upper(), proper.replace("-", ""), f" {proper}\n"):
        assert clean_debug_id(text) == proper
    for text in ("", "x", proper[:-1], proper + "0", proper.replace("f", "g")):
        assert clean_debug_id(text) == ""
