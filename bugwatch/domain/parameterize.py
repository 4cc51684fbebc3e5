"""Messages without what varies: `User 42 not found` and `User 43 not found` become `User <number> not found`.

One pass of one regular expression over at most `MAX_LENGTH` characters, so the time is linear in what is read and
bounded however long the message is. What varies, and what stays, is listed in `message_rules`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bugwatch.domain.message_rules import DAY, INSIDE, KEEP, KEEP_KEYS, KEEP_NAMES, MONTH, QUOTED, RULES, TECHNICAL

MAX_LENGTH = 1_024

# Words of letters alone are the most of a message and are passed first, many at once; not those that a date, the number
# of an error, a quoted value or a list of values may follow.
_LETTERS = (
    rf"(?>(?!{MONTH}\b|{DAY}|(?i:errno|winerror|sqlstate|error|code|status|http|values|in|contains|hresult|python|node"
    r"|php|ruby|java|tls|ssl|openssl|returned|responded|response|answered|signal|dup)\b|[bruf][\"'])"
    r"[A-Za-z]{1,64}+(?![\w@+%\\-]| ?=|\.\w|:[^\s]|(?:: ?| )[\"'`]) ?){1,64}+"
)
# Other words are eaten whole, so that their digits are judged together, or left alone.
_WORD = r"\w[\w$]{0,255}|\$[A-Za-z_][\w$]{0,254}"
_VALUE = r"(?:(?<==)|(?<== )|(?<=>)|(?<==> )|(?<=\":)|(?<=\": )|(?<=':)|(?<=': ))"
_BOOL = rf"{_VALUE}(?:[Tt]rue|[Ff]alse)\b"
_STARTS = {"d": r"\d", "l": "[A-Za-z]", "o": r"[-+.:/%_#<(\[\"'`“„«‘]"}


def _starting(start: str) -> str:
    """The rules for places that begin so, in their order: most need not be tried at most places."""
    rules = [(n, rule) for n, rule in enumerate(RULES) if start in rule.start]
    patterns = (f"{rule.before}(?P<{rule.name}_{start}{n}>{rule.pattern}){rule.after}" for n, rule in rules)
    return f"(?={_STARTS[start]})(?:{'|'.join(patterns)})"


_PATTERN = re.compile(
    rf"(?<!\w)(?:(?=[\"']){KEEP_KEYS}|(?=[\"'TtFf])(?:(?P<str>{_VALUE}{QUOTED})|(?P<bool>{_BOOL}))|{_LETTERS}|{KEEP_KEYS}|{KEEP_NAMES}|{KEEP}"
    rf"|{_starting('d')}|{_starting('l')}|{_starting('o')}|(?P<word>{_WORD}))"
    rf"|{'|'.join(f'{rule.before}(?P<{rule.name}_i{n}>{rule.pattern})' for n, rule in enumerate(INSIDE))}",
    re.ASCII,
)
_PLACEHOLDERS = {name: f"<{name.partition('_')[0]}>" for name in _PATTERN.groupindex}
_VARIES = re.compile(r"[0-9@/=:\"'`“„«‘(<\\]|\.[a-z]")
_LIST = re.compile(r"(<\w{1,10}>)(?:, ?\1){1,500}")


def parameterize(text: str) -> str:
    """`text` with its varying parts named, such as `<number>` or `<uuid>`; what lies beyond `MAX_LENGTH` is dropped."""
    return _named(text[:MAX_LENGTH])


@lru_cache(maxsize=1024)  # a third of the cost of grouping, and many a message is always the same
def _named(text: str) -> str:
    if not _VARIES.search(text):
        return text
    named = _PATTERN.sub(_name, text)
    return _LIST.sub(r"\1", named) if ">," in named else named


def _name(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is None:
        return match[0]
    if kind == "word":
        return _name_word(match[0])
    whole, offset = match[0], match.start()
    return f"{whole[: match.start(kind) - offset]}{_PLACEHOLDERS[kind]}{whole[match.end(kind) - offset :]}"


_HASH = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])(?:[0-9a-f]{7,128}|[0-9A-F]{7,128})")
_PART_NUMBER = re.compile(r"(?<=[A-Za-z0-9]_)\d{2,}(?=_|$)")
_NUMBERED = re.compile(r"([A-Z]?[a-z]+|[A-Z]+)(\d{2,})")
_ERROR_CODE = re.compile(r"[A-Z]{1,3}\d{3,5}")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def _name_word(word: str) -> str:
    """Hashes and random tokens are named, `item_42` and `user42` lose their number, `log4j` and `x86_64` stay."""
    if word.isalpha():
        return word
    if _HASH.fullmatch(word):
        return "<hash>"
    if _is_drawn(word):
        return "<token>"
    if match := _NUMBERED.fullmatch(word):
        is_code = match[1].lower() in TECHNICAL or _ERROR_CODE.fullmatch(word)
        return word if is_code else f"{match[1]}<number>"
    is_name = word.partition("_")[0].lower().rstrip("0123456789") in TECHNICAL  # x86_64, utf_16
    return word if is_name else _PART_NUMBER.sub("<number>", word)


def _is_drawn(word: str) -> bool:
    """Is it drawn by lot? Then its runs of letters and of digits are shorter than those of a name, or many."""
    if len(word) < 8 or not any(char.isdigit() for char in word):
        return False
    runs = _RUN.findall(word)
    numbers = sum(run.isdigit() for run in runs)
    if len(word) < 10 and numbers < 2:
        return False
    return len(runs) * 2 >= len(word) or (len(word) >= 20 and numbers >= 3 and "_" not in word)
