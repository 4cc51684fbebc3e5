"""Source code in colour: pygments decides which words are which, the template writes them with a class each.

Only five families have a colour, so most words need no markup at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

Word = tuple[str, str]  # its class (empty: none) and the text

# A line longer than this comes out of a minifier: nobody reads it by its colours, and lexers are slow on it.
LONGEST_LINE = 1_000

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
    "ts": "typescript", "tsx": "tsx", "vue": "vue", "svelte": "html", "java": "java", "kt": "kotlin", "kts": "kotlin",
    "scala": "scala", "go": "go", "php": "php", "rb": "ruby", "cs": "csharp", "vb": "vbnet", "fs": "fsharp",
    "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "hpp": "cpp", "m": "objective-c", "mm": "objective-c",
    "swift": "swift", "rs": "rust", "ex": "elixir", "exs": "elixir", "erl": "erlang", "dart": "dart", "lua": "lua",
    "pl": "perl", "ps1": "powershell", "sh": "bash", "groovy": "groovy", "clj": "clojure", "hs": "haskell",
    "erb": "erb", "zig": "zig", "html": "html", "jinja2": "html+jinja", "sql": "sql", "gd": "gdscript",
}  # fmt: skip
_BY_PLATFORM = {
    "python": "python", "javascript": "javascript", "node": "javascript", "java": "java", "go": "go", "php": "php",
    "ruby": "ruby", "csharp": "csharp", "native": "cpp", "cocoa": "swift", "objc": "objective-c", "elixir": "elixir",
    "perl": "perl", "rust": "rust", "dart": "dart", "powershell": "powershell",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    is_hit: bool
    words: tuple[Word, ...]


def lines(texts: Sequence[str], first: int, hit: int | None, filename: str, platform: str) -> tuple[Line, ...]:
    """`texts` as numbered lines from `first` on, with colours if the language is known."""
    coloured = _coloured(texts, filename, platform)
    return tuple(Line(first + at, first + at == hit, words) for at, words in enumerate(coloured))


def _coloured(texts: Sequence[str], filename: str, platform: str) -> list[tuple[Word, ...]]:
    plain: list[tuple[Word, ...]] = [(("", text),) for text in texts]
    name = _BY_SUFFIX.get(filename.rpartition(".")[2].lower()) or _BY_PLATFORM.get(platform)
    lexer = _lexer(name) if name else None
    if lexer is None or any(len(text) > LONGEST_LINE for text in texts):
        return plain
    found = _split([(_family(kind), text) for kind, text in lexer.get_tokens("\n".join(texts))])
    # Lexers drop byte order marks and turn carriage returns into new lines. What was sent matters more than colours.
    is_same = ["".join(text for _name, text in words) for words in found] == list(texts)
    return found if is_same else plain


@lru_cache(maxsize=64)
def _lexer(name: str) -> Lexer | None:
    options = {"startinline": True} if name == "php" else {}
    try:
        return get_lexer_by_name(name, stripnl=False, ensurenl=False, **options)
    except ClassNotFound:  # an older pygments
        return None


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
