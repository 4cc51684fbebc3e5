"""Source code in colour: pygments decides which words are which, the template writes them with a class each.

Only five families have a colour, so most words need no markup at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

Word = tuple[str, str]  # its class (empty: none) and the text

# A line longer than this comes out of a minifier: nobody reads it by its colours, and lexers are slow on it. Of such a
# line so much is kept.
LONGEST_LINE = 300
KEPT_OF_LINE = 240
_NAME = re.compile(r"\w+|\S")

_FAMILIES = (
    (Comment, "c"),
    (String, "s"),
    (Number, "m"),
    (Keyword, "k"),
    (Operator.Word, "k"),
    (Name.Builtin.Pseudo, "k"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Decorator, "f"),
    (Name.Builtin, "f"),
)
_BY_SUFFIX = {
    "py": "python", "pyx": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "jsx",
    "ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx", "vue": "vue", "svelte": "html",
    "astro": "html", "java": "java", "kt": "kotlin", "kts": "kotlin",
    "scala": "scala", "go": "go", "php": "php", "rb": "ruby", "cs": "csharp", "vb": "vbnet", "fs": "fsharp",
    "c": "c", "h": "cpp", "cc": "cpp", "cxx": "cpp", "cpp": "cpp", "hpp": "cpp", "m": "objective-c",
    "mm": "objective-c++",
    "swift": "swift", "rs": "rust", "ex": "elixir", "exs": "elixir", "erl": "erlang", "dart": "dart", "lua": "lua",
    "pl": "perl", "ps1": "powershell", "sh": "bash", "groovy": "groovy", "clj": "clojure", "hs": "haskell",
    "erb": "erb", "zig": "zig", "html": "html", "jinja2": "html+jinja", "sql": "sql", "gd": "gdscript",
}  # fmt: skip
_WITH_C_COMMENTS = frozenset((
    "javascript", "jsx", "typescript", "tsx", "java", "kotlin", "scala", "go", "php", "csharp", "c", "cpp",
    "objective-c", "objective-c++", "swift", "rust", "dart", "groovy", "zig", "sql",
))  # fmt: skip
_BY_PLATFORM = {
    "python": "python", "javascript": "javascript", "node": "javascript", "java": "java", "go": "go", "php": "php",
    "ruby": "ruby", "csharp": "csharp", "native": "cpp", "cocoa": "swift", "objc": "objective-c", "elixir": "elixir",
    "perl": "perl", "rust": "rust", "dart": "dart", "powershell": "powershell", "kotlin": "kotlin", "c": "cpp",
    "swift": "swift", "groovy": "groovy", "typescript": "typescript",
}  # fmt: skip


# Java's lexer takes time that grows with the cube of the words with which a line begins.
_SLOW = {"java": re.compile(r"^\s*(?:[\w.\[\]]+\s+){20}", re.MULTILINE)}


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1. A word whose class ends in ` at` is where the column points."""

    number: int
    is_hit: bool
    words: tuple[Word, ...]


def lines(
    texts: Sequence[str], first: int, hit: int | None, filename: str, platform: str, *, column: int | None = None
) -> tuple[Line, ...]:
    """`texts` as numbered lines from `first` on, with colours if the language is known. `column` (from 1) is of the
    line `hit`; of lines that are too long, what stands around it is kept."""
    at = None if hit is None else hit - first
    start = column - 1 if column and at is not None else None
    if any(len(text) > LONGEST_LINE for text in texts):
        cut = [_clipped(text, start if n == at else None) for n, text in enumerate(texts)]
        texts = [text for text, _start in cut]
        coloured = [_plain(text) for text in texts]
        start = cut[at][1] if at is not None else None
    else:
        coloured = list(_coloured(tuple(texts), filename, platform))
    if at is not None and start is not None and 0 <= at < len(texts):
        coloured[at] = _pointed(coloured[at], texts[at], start)
    return tuple(Line(first + n, first + n == hit, words) for n, words in enumerate(coloured))


def _clipped(text: str, start: int | None) -> tuple[str, int | None]:
    """What stands around `start`, and where that is now; the beginning, if there is none."""
    if len(text) <= LONGEST_LINE:
        return text, start
    begin = max(0, min(start or 0, len(text)) - KEPT_OF_LINE // 3)
    kept = ("…" if begin else "") + text[begin : begin + KEPT_OF_LINE]
    kept += "…" if begin + KEPT_OF_LINE < len(text) else ""
    return kept, None if start is None else start - begin + (begin > 0)


def _pointed(words: tuple[Word, ...], text: str, start: int) -> tuple[Word, ...]:
    """The words, with the name or the sign at `start` marked."""
    while 0 < start < len(text) and _is_part(text[start]) and _is_part(text[start - 1]):
        start -= 1
    found = _NAME.match(text, start)
    if not found:
        return words
    pointed: list[Word] = []
    at = 0
    for name, word in words:
        begin, end = (min(max(place - at, 0), len(word)) for place in found.span())
        parts = ((name, word[:begin]), (f"{name} at".lstrip(), word[begin:end]), (name, word[end:]))
        pointed += [part for part in parts if part[1]]
        at += len(word)
    return tuple(pointed)


def _is_part(char: str) -> bool:
    return char.isalnum() or char == "_"


def _plain(text: str) -> tuple[Word, ...]:
    return (("", text),) if text else ()


@lru_cache(maxsize=1024)
def _coloured(texts: tuple[str, ...], filename: str, platform: str) -> tuple[tuple[Word, ...], ...]:
    plain = tuple(_plain(text) for text in texts)
    code = "\n".join(texts)
    name = _language(texts, filename, platform)
    if not name or (name in _SLOW and _SLOW[name].search(code)):
        return plain
    before = _opening(texts, name)
    found = _split([(_family(kind), text) for kind, text in _lexer(name).get_tokens(before + code)])
    found = found[before.count("\n") :]
    # Lexers drop byte order marks and turn carriage returns into new lines. What was sent matters more than colours.
    is_same = ["".join(text for _name, text in words) for words in found] == list(texts)
    return tuple(found) if is_same else plain


def _language(texts: Sequence[str], filename: str, platform: str) -> str:
    """What it is written in, as pygments calls it; empty if nobody knows."""
    name = _BY_SUFFIX.get(filename.rpartition(".")[2].lower()) or _BY_PLATFORM.get(platform, "")
    if name in ("vue", "html") and not any(text.lstrip().startswith("<") for text in texts):
        return "typescript"  # an excerpt of what stands between the script tags
    return "html+php" if name == "php" and any("<?" in text for text in texts) else name


def _opening(texts: Sequence[str], name: str) -> str:
    """An excerpt may begin inside a text or a comment; then what opened it is missing. Empty, or its line."""
    code = "\n".join(texts)
    if name == "python":
        for quotes in ('"""', "'''"):
            if code.count(quotes) % 2 and _closes(texts, quotes):
                return f"{quotes}\n"
        return ""
    end, begin = code.find("*/"), code.find("/*")
    return "/*\n" if name in _WITH_C_COMMENTS and end >= 0 and (begin < 0 or end < begin) else ""


def _closes(texts: Sequence[str], quotes: str) -> bool:
    """Whether the first line with the quotes ends a text rather than begins one."""
    at = next(n for n, text in enumerate(texts) if quotes in text)
    line = texts[at].strip()
    if line == quotes:
        return at > 0 and not texts[at - 1].rstrip().endswith((":", "=", "(", ","))
    return line.endswith(quotes) and not line.startswith(quotes)


@lru_cache(maxsize=64)
def _lexer(name: str) -> Lexer:
    options = {"startinline": True} if name == "php" else {}
    return get_lexer_by_name(name, stripnl=False, ensurenl=False, **options)


@lru_cache(maxsize=512)
def _family(kind: _TokenType) -> str:
    return next((name for family, name in _FAMILIES if _is_in(kind, family)), "")


def _is_in(kind: _TokenType, family: _TokenType) -> bool:
    return kind[: len(family)] == family


def _split(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """Words in lines, neighbours of one class joined."""
    found: list[list[Word]] = [[]]
    for name, text in words:
        for at, part in enumerate(text.split("\n")):
            if at:
                found.append([])
            if part and found[-1] and found[-1][-1][0] == name:
                found[-1][-1] = (name, found[-1][-1][1] + part)
            elif part:
                found[-1].append((name, part))
    return [tuple(line) for line in found]
