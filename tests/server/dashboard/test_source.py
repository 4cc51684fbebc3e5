"""Source lines with colours: never another text than the one that was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.server.dashboard.source import LONGEST_LINE, Line, lines


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


def test_what_a_lexer_would_change_has_no_colours() -> None:
    texts = ["\ufeffx = 1", "y = 2\rz = 3"]

    assert [text_of(line) for line in lines(texts, 1, None, "a.py", "python")] == texts


def test_a_minified_line_is_not_worth_a_lexer() -> None:
    (line,) = lines(["var a=1;" * LONGEST_LINE], 1, 1, "app.min.js", "javascript")

    assert len(line.words) == 1


def test_an_unknown_language_has_no_colours() -> None:
    (line,) = lines(["return 1"], 1, None, "notes.xyz", "martian")

    assert line.words == (("", "return 1"),)
