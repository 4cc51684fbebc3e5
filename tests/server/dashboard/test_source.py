"""Source lines with colours: never another text than the one that was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.server.dashboard.source import KEPT_OF_LINE, LONGEST_LINE, Line, lines


def text_of(line: Line) -> str:
    return "".join(text for _name, text in line.words)


def test_words_get_the_colour_of_their_family() -> None:
    (line,) = lines(['    return total("x", 1)  # why'], 7, 7, "cart.py", "python")

    assert line.is_hit
    assert line.number == 7
    assert ("k", "return") in line.words
    assert ("s", '"x"') in line.words
    assert ("m", "1") in line.words
    assert ("c", "# why") in line.words


@pytest.mark.parametrize(
    ("filename", "platform", "code", "keyword"),
    [
        ("app.tsx", "javascript", "const a = <b/>;", "const"),
        ("app.mjs", "javascript", "const a = 1;", "const"),
        ("Cart.jsx", "javascript", "const a = <b/>;", "const"),
        ("app.ts", "node", "const a: number = 1;", "const"),
        ("Cart.vue", "javascript", "const a: number = 1;", "const"),
        ("Cart.svelte", "javascript", "const a = 1;", "const"),
        ("Cart.kt", "java", "fun total() = 1", "fun"),
        ("Cart.cs", "csharp", "return null;", "return"),
        ("cart.c", "native", "return 0;", "return"),
        ("cart.h", "native", "class Cart;", "class"),
        ("Cart.m", "cocoa", "return nil;", "return"),
        ("Cart.swift", "cocoa", "func total() {}", "func"),
        ("cart.dart", "dart", "final a = 1;", "final"),
        ("cart.ex", "elixir", "def total do", "def"),
        ("cart.sql", "other", "SELECT 1", "SELECT"),
        ("", "rust", "fn main() {}", "fn"),
        ("", "kotlin", "fun total() = 1", "fun"),
        ("Cart.php", "php", "return $this->total;", "return"),
        ("main.go", "go", "func main() {}", "func"),
        ("", "ruby", "def total; end", "def"),
        ("Cart.java", "java", "return null;", "return"),
        ("lib.rs", "native", "fn main() {}", "fn"),
    ],
)
def test_the_language_comes_from_the_file_or_the_platform(
    filename: str, platform: str, code: str, keyword: str
) -> None:
    (line,) = lines([code], 1, 1, filename, platform)

    assert ("k", keyword) in line.words


def test_a_text_over_several_lines_keeps_its_colour_and_its_lines() -> None:
    found = lines(['x = """one', "two", '""" + 1'], 1, None, "a.py", "python")

    assert found[1].words == (("s", "two"),)


@given(st.lists(st.text(max_size=60), max_size=9), st.sampled_from(["a.py", "a.js", "a.go", "a.php", "a.rb", "a.txt"]))
def test_whatever_is_sent_is_shown_as_it_is(texts: list[str], filename: str) -> None:
    found = lines(texts, 1, None, filename, "other")

    assert [text_of(line) for line in found] == texts


@pytest.mark.parametrize(
    ("filename", "texts", "outside"),
    [
        ("a.py", ["the text", '"""', "x = 1"], 2),
        ("a.py", ['its end"""', "x = 1"], 1),
        ("a.js", ["its end */", "let x = 1"], 1),
        ("a.go", [" * text", " */", "var x = 1"], 2),
    ],
)
def test_an_excerpt_may_begin_inside_a_text_or_a_comment(filename: str, texts: list[str], outside: int) -> None:
    found = lines(texts, 1, None, filename, "other")

    assert [text_of(line) for line in found] == texts
    for line in found[:outside]:
        assert {name for name, text in line.words if text.strip()} <= {"s", "c"}
    assert ("m", "1") in found[outside].words


def test_an_excerpt_that_begins_a_text_is_no_end() -> None:
    found = lines(["def f():", '    """', "    text"], 1, None, "a.py", "python")

    assert ("k", "def") in found[0].words
    assert {name for name, _text in found[2].words} == {"s"}


def test_the_column_points_at_a_word() -> None:
    (line,) = lines(["const sum = items.length;"], 4, 4, "a.ts", "javascript", column=15)

    assert ("at", "items") in line.words
    assert text_of(line) == "const sum = items.length;"
    for column in (0, 26, 27, 10_000):
        (line,) = lines(["const sum = items.length;"], 4, 4, "a.ts", "javascript", column=column)
        assert text_of(line) == "const sum = items.length;"


def test_of_a_minified_line_what_the_column_points_at_is_kept() -> None:
    text = "a(1);" * 2_000 + "boom(2);" + "b(3);" * 2_000
    (line,) = lines([text], 1, 1, "app.js", "javascript", column=10_001)

    assert ("at", "boom") in line.words
    assert len(text_of(line)) <= KEPT_OF_LINE + 2
    assert text_of(line).startswith("…")
    assert text_of(line).endswith("…")


def test_a_line_that_a_lexer_is_slow_on_has_no_colours() -> None:
    (line,) = lines(["a " * 140], 1, None, "A.java", "java")

    assert line.words == (("", "a " * 140),)


def test_what_a_lexer_would_change_has_no_colours() -> None:
    texts = ["\ufeffx = 1", "y = 2\rz = 3"]

    assert [text_of(line) for line in lines(texts, 1, None, "a.py", "python")] == texts


def test_a_minified_line_is_not_worth_a_lexer() -> None:
    (line,) = lines(["var a=1;" * LONGEST_LINE], 1, 1, "app.min.js", "javascript")

    assert len(line.words) == 1


def test_an_unknown_language_has_no_colours() -> None:
    (line,) = lines(["return 1"], 1, None, "notes.xyz", "martian")

    assert line.words == (("", "return 1"),)
