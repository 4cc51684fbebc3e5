"""Globs mean what they say, and none of them takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.glob import Glob, Piece, glob_of


def glob(text: str) -> Glob:
    return glob_of((char, False) for char in text)


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab\n", max_size=10))
def test_globs_mean_what_they_say(text: str, value: str) -> None:
    naive = "".join({"*": ".*", "?": "."}.get(char, char) for char in text)

    assert glob(text).fits(value) is bool(re.fullmatch(naive, value, re.DOTALL))


def test_what_means_itself_is_no_star() -> None:
    assert glob_of([("a", True), ("*", True), ("?", True)]).fits("a*?")
    assert not glob_of([("a", True), ("*", True)]).fits("ab")


def test_hostile_globs_are_looked_for_once_from_left_to_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: each piece is searched once, and none begins before the last one ended."""
    searched: list[int] = []
    find = Piece.find

    def counted(self: Piece, value: str, start: int) -> int:
        searched.append(start)
        return find(self, value, start)

    monkeypatch.setattr(Piece, "find", counted)
    for text in ("*a" * 90 + "b", "*a" * 90 + "*b", "*" * 190 + "b", "*" + "a?" * 9 + "*a*b", "*?" * 20 + "b"):
        searched.clear()
        assert not glob("b" + text).fits("b" + "a" * 300)
        assert searched == sorted(searched)
        assert len(searched) <= text.count("*")
