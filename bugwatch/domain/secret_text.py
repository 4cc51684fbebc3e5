"""Secrets inside running text: `password=hunter2`, `Authorization: Bearer …`, `postgres://user:pw@host`, JSON within a
string, keys and tokens that are known by their shape, card numbers. Words such as "token" in a sentence stay.

Every pattern is bounded or consumes what it read, so the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from bugwatch.domain.secret_name import STEMS, NameKind, Names

FILTERED = "[Filtered]"

# --- known by their shape: what must be in the text (in small letters), and the pattern, whose groups are kept ---

_PATTERNS = (
    (
        "-----begin",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    ("@", r"(:(?:\\?/){2}[^\s/?#@:\"'<>\\]{0,256}:)[^\s/?#\"'<>\\]{1,512}(?=@)"),
    ("eyj", r"\beyJ[\w-]{8,8192}\.[\w-]{4,65536}(?:\.[\w-]{0,8192})?"),
    ("bearer", r"(\b[Bb]earer\s{1,8})(?=[\w.~+/-]{0,200}\d|\S{20})[\w.~+/=-]{8,8192}"),
    ("basic", r"(\b[Bb]asic\s{1,8})(?=[\w+/]{0,200}[\d=])[\w+/]{8,8192}={0,2}"),
    ("akia", r"\bAKIA[A-Z0-9]{16}\b"),
    ("asia", r"\bASIA[A-Z0-9]{16}\b"),
    ("ghp_", r"\bghp_[A-Za-z0-9]{36,255}\b"),
    ("gho_", r"\bgho_[A-Za-z0-9]{36,255}\b"),
    ("ghs_", r"\bghs_[A-Za-z0-9]{36,255}\b"),
    ("github_pat_", r"\bgithub_pat_\w{22,255}\b"),
    ("glpat-", r"\bglpat-[\w-]{20,64}"),
    ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}"),
    ("_live_", r"\b(?:[sr]k|bw|whsec)_live_\w{10,255}"),
    ("sk-", r"\bsk-(?:ant-|proj-)?[\w-]{20,255}"),
    ("aiza", r"\bAIza[\w-]{35}"),
    ("hooks.slack.com", r"(hooks\.slack\.com/services/)[\w/]{10,100}"),
    ("webhooks", r"(/api/webhooks/\d{5,30}/)[\w-]{20,100}"),
    ("signature=", r"(?i:([?&]x-(?:amz|goog)-signature=))[0-9a-fA-F]{32,1024}"),
)
_SHAPES = {stem: re.compile(pattern, re.ASCII | re.DOTALL) for stem, pattern in _PATTERNS}
ALL_STEMS = (*STEMS, *_SHAPES)

# --- known by the name before them ---


@lru_cache(maxsize=64)
def _named_pattern(added_stems: tuple[str, ...]) -> re.Pattern[str]:
    """A name that may be secret, what closes it, and the sign that a value follows."""
    stems = "|".join(map(re.escape, (*STEMS, *added_stems)))
    return re.compile(
        rf"(?P<name>(?:{stems})[\w%.\[\]-]{{0,40}}+)(?P<close>\\*[\"'`]?)\s*+(?P<sign>=>|=(?![=~])|:(?![:=])|,|>|(?<=\s))\s*",
        re.ASCII | re.IGNORECASE,
    )


_LONGEST_NAME = 40
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_-]{0,40}\Z", re.ASCII)
_VALUE = re.compile(
    r"""
      b?(?P<quote>\\*["'`])(?P<quoted>.*?)(?:(?<!\\)(?P=quote)|\Z)
    | (?P<bracket>[\[({])[^\[\](){}]{0,8192}[\])}]?
    | (?P<bare>(?:(?:bearer|basic|token|digest|negotiate|apikey)\s{1,8})?[^\s&;"'`<>]+?)
      (?=[,)}\]]{0,3}(?:[\s&;"'`<>]|\Z))
    """,
    re.ASCII | re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_LINE = re.compile(r"[^\r\n\"'`]+")
_ELEMENT = re.compile(r"[^<]{1,8192}(?=</)")
# Nothing to hide, and worth knowing; placeholders of a template included.
_NOTHING = re.compile(
    r"|None|null|nil|undefined|true|false|\*+|\[?filtered\]?|%(?:\(\w+\))?[sdr]|\{\w*\}|\$\{?\w+\}?|\[\]|\{\}|\(\)",
    re.ASCII | re.IGNORECASE,
)
# Headers: the value is all that stands in the line.
_TO_THE_END = re.compile(r"authori[sz]ation|cookie", re.IGNORECASE)
# In a sentence, only these names are followed by nothing but a secret; after others it must look drawn by lot.
_SURE = re.compile(r"passwor[dt]|passwd|passphrase|key|authori[sz]ation|cookie", re.IGNORECASE)
_DRAWN = re.compile(r"(?=\D{0,200}\d)\S{8}")

# --- known by their digits ---

_CARD = re.compile(
    r"(?<![\w.])(?<!\d[ -])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})"
    r"(?!\w|[ .-]\d)",
    re.ASCII,
)
# Digits become 0, what may stand between them -, the rest a dot.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x2D if byte in b" -" else 0x2E for byte in range(256))
_CARD_FORMS = (b"0" * 13, b"0000-0000-0000", b"0000-000000-0000")
_CARD_PREFIX = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|62\d{14,17})"
)


def suspects(low: str) -> tuple[str, ...]:
    """Which of the stems are in `low`, a text in small letters: only these have to be looked for in its parts."""
    return tuple(stem for stem in ALL_STEMS if stem in low)


def scrub_text(text: str, names: Names, stems: Sequence[str]) -> str:
    """`text` with its secrets replaced by `[Filtered]`; `stems` are those to look for: `suspects` and added names."""
    low = text.lower()
    is_named = False
    for stem in stems:
        if stem not in low:
            continue
        if shape := _SHAPES.get(stem):
            text = shape.sub(_keep_group, text)
        else:
            is_named = True
    return _scrub_named(text, names) if is_named else text


def may_hold_cards(text: bytes) -> bool:
    """Has it digits enough in a row or in groups? Quick, and never no for a text that `scrub_cards` would change."""
    form = text.translate(_DIGITS)
    return any(cards in form for cards in _CARD_FORMS)


def scrub_cards(text: str) -> str:
    """`text` with the card numbers in it replaced by `[Filtered]`."""
    return _CARD.sub(_filter_card, text)


def is_card_number(digits: str) -> bool:
    """Do these digits begin and end like a payment card's? Timestamps begin with 1, and no card does."""
    if not _CARD_PREFIX.fullmatch(digits):
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def is_nothing(text: str) -> bool:
    """Is the value empty, a placeholder or filtered already?"""
    return _NOTHING.fullmatch(text.strip("'\" ")) is not None


def _keep_group(match: re.Match[str]) -> str:
    return (match[1] if match.re.groups else "") + FILTERED


def _filter_card(match: re.Match[str]) -> str:
    return FILTERED if is_card_number(re.sub("[ -]", "", match[0])) else match[0]


def _scrub_named(text: str, names: Names) -> str:
    pattern = _named_pattern(names.added_stems)
    kept: list[str] = []
    copied = at = 0
    while named := pattern.search(text, at):
        at = named.end()
        if span := _secret_span(text, named, names):
            kept += (text[copied : span[0]], FILTERED)
            copied = at = span[1]
    return "".join([*kept, text[copied:]]) if kept else text


def _secret_span(text: str, named: re.Match[str], names: Names) -> tuple[int, int] | None:
    """Where the secret after this name begins and ends, or None if the name is harmless or nothing secret follows."""
    before = _NAME_BEFORE.search(text, max(0, named.start() - _LONGEST_NAME), named.start())
    start = before.start() if before else named.start()
    name = text[start : named.end("name")]
    kind = names.kind_of(name)
    if kind is not NameKind.SECRET and kind is not NameKind.COUNT:
        return None
    span = _value_span(text, named, start)
    said = text[span[0] : span[1]] if span else ""
    if is_nothing(said) or (kind is NameKind.COUNT and said.isdecimal()):
        return None
    is_talk = _is_sentence(text, named, start) and not _SURE.search(name) and not _DRAWN.match(said)
    return None if is_talk else span


def _value_span(text: str, named: re.Match[str], name_start: int) -> tuple[int, int] | None:
    """What the sign after the name makes its value."""
    sign, start = named["sign"], named.end()
    if sign == ">":  # <password>hunter2</password>
        element = _ELEMENT.match(text, start)
        return element.span() if element else None
    value = _VALUE.match(text, start)
    if not value:
        return None
    if sign == ",":  # ('Cookie', 'a=b'), as headers are printed; a longer list is one of words
        is_pair = named["close"] and value["quote"] and text[value.end() : value.end() + 1] in (")", "]")
        return value.span("quoted") if is_pair else None
    if not sign and not (value["bare"] and text.startswith("--", name_start)):  # --password hunter2
        return None
    if sign == ":" and value["bare"] and _TO_THE_END.search(text, name_start, named.end("name")):
        value = _LINE.match(text, start) or value
        return value.span()
    return value.span("quoted") if value["quote"] else value.span()


def _is_sentence(text: str, named: re.Match[str], name_start: int) -> bool:
    """`Unexpected token: function` is a sentence; `{ token: 'abc' }` and `"token": "abc"` are not."""
    before = text[max(0, name_start - 2) : name_start]
    return named["sign"] == ":" and not named["close"] and before[-1:] == " " and before[:1].isalpha()
