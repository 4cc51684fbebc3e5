"""Globs: `*` is any text, `?` any one character. They are matched in time linear in the text, whatever they are.

What stands between two stars is looked for once, from left to right: the first place where it is found is as good as
any later one, so nothing is ever tried again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_ANY = 20  # `?` in one glob: they are the one part that Python has no fast search for


@dataclass(frozen=True, slots=True)
class Piece:
    """A text without stars; `pattern` is set if it holds a `?`."""

    text: str
    pattern: re.Pattern[str] | None = None

    def find(self, value: str, start: int) -> int:
        """Where it begins at or after `start`, or -1."""
        if self.pattern is None:
            return value.find(self.text, start)
        found = self.pattern.search(value, start)
        return found.start() if found else -1

    def is_at(self, value: str, start: int) -> bool:
        if self.pattern is None:
            return value.startswith(self.text, start)
        return self.pattern.match(value, start) is not None


@dataclass(frozen=True, slots=True)
class Glob:
    """The pieces between the stars, in order; one piece: no star. `needed` is the longest that has to be in a text."""

    pieces: tuple[Piece, ...]
    needed: str

    def fits(self, value: str) -> bool:
        """Whether the whole value is as the glob says."""
        if self.needed not in value:  # most texts end here
            return False
        first, *others = self.pieces
        if not first.is_at(value, 0):
            return False
        at = len(first.text)
        if not others:
            return at == len(value)
        *inner, last = others
        for piece in inner:
            at = piece.find(value, at)
            if at < 0:
                return False
            at += len(piece.text)
        end = len(value) - len(last.text)
        return end >= at and last.is_at(value, end)


def glob_of(chars: Iterable[tuple[str, bool]]) -> Glob:
    """The glob of these characters, each with whether it means itself even if it is a `*` or a `?`."""
    runs: list[list[tuple[str, bool]]] = [[]]
    for char, is_literal in chars:
        if char == "*" and not is_literal:
            runs.append([])
        else:
            runs[-1].append((char, char == "?" and not is_literal))
    # Between two stars, nothing is nothing.
    kept = [run for n, run in enumerate(runs) if run or n in (0, len(runs) - 1)]
    pieces = tuple(_piece(run) for run in kept)
    return Glob(pieces, max((piece.text for piece in pieces if piece.pattern is None), key=len, default=""))


def _piece(run: list[tuple[str, bool]]) -> Piece:
    text = "".join(char for char, _ in run)
    if not any(is_any for _, is_any in run):
        return Piece(text)
    return Piece(text, re.compile("".join("." if is_any else re.escape(char) for char, is_any in run), re.DOTALL))
