from __future__ import annotations

import pytest

from bugwatch.domain.title import first_line, join_title, shorten, type_name, without_type


@pytest.mark.parametrize(
    ("value", "type_", "without"),
    [
        ("undefined method 'x' for nil (NoMethodError)", "NoMethodError", "undefined method 'x' for nil"),
        ("ValueError: bad", "ValueError", "bad"),
        ("SoftTimeLimitExceeded()", "SoftTimeLimitExceeded", ""),
        ("TypeError", "TypeError", ""),
        ("a TypeError at noon", "TypeError", "a TypeError at noon"),
        ("bad", "", "bad"),
        ("", "TypeError", ""),
    ],
)
def test_a_text_does_not_repeat_its_type(value: str, type_: str, without: str) -> None:
    assert without_type(value, type_) == without


@pytest.mark.parametrize(
    ("text", "line"), [("\n\n a \r\nb", "a"), ("a\rb", "a"), ("", ""), (" \n ", ""), ("a", "a"), ("a b\n", "a b")]
)
def test_the_first_line_that_is_not_blank(text: str, line: str) -> None:
    assert first_line(text) == line


def test_a_class_without_a_name_has_no_place_in_its_type() -> None:
    assert type_name("RuntimeException@anonymous\ufffd/var/www/a.php:12$0") == "RuntimeException@anonymous"
    assert type_name("RuntimeException") == "RuntimeException"


def test_a_title_has_what_there_is_and_an_end() -> None:
    assert join_title("A", "b") == "A: b"
    assert join_title("A", "") == "A"
    assert join_title("", "b") == "b"
    assert shorten("x" * 200) == "x" * 200
    assert shorten("x" * 201) == "x" * 199 + "…"
