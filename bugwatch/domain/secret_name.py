"""Is what stands under this name a secret? Names of fields, headers, variables, query parameters, cookies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

MAX_LENGTH = 128
_MEMORY = 8_192


class NameKind(Enum):
    PLAIN = auto()
    SECRET = auto()
    COUNT = auto()  # `max_tokens`: a secret, unless it is a number
    ID = auto()  # never a card number, however well its digits add up


# Every secret name holds one of these, in small letters; what holds none is passed over without a closer look.
# The commonest first: a text that holds one is soon known.
STEMS = ("key", "pass", "auth", "token", "cookie", "secret", "sess", "srf", "card", "pwd", "credential", "jwt", "cvv")

# Names are compared in small_words: `X-Api-Key`, `apiKey` and `api_key` are one.
_SECRET = re.compile(
    r"""
      pass_?(?:wor[dt]|wd|phrase|code) | (?:^|_)pass(?:_\d+)?$ | (?:^|_)pwd(?:_|$)
    | secret(?!ar) | credential | (?:^|_)cookies?(?:_|$) | [cx]srf
    | authori[sz]ation | (?:^|_)auth$ | (?:^|_)jwt(?:_|$)
    | (?P<count>tokens(?=_|$)) | token(?!i[sz]|s)
    | api_?key | (?:access|account|auth|client|deploy|encryption|license|master|private|session|shared|signing|ssh
        |storage|subscription)_?key
    | (?:^|_)(?:php|j|asp)?sess(?:ion)?_?id(?:_|$)
    | (?:^|_)(?:credit_?)?card_?(?:number|num|no|cvc)(?:_|$) | (?:^|_)cvv2?$
    """,
    re.VERBOSE,
)
# Said about a secret, rather than being one: `token_type`, `password_changed_at`, `SecretNotFound`.
_ABOUT = re.compile(
    r"""_?(?:
      type|count|limit|usage|used|details|length|len|size|max|min|expir\w*|ttl|age|timeout|lifetime|at|date|time
    | ur[li]|endpoint|path|file|filename|dir|domain|name|names|prefix|policy|strength|version|format|algorithm|scheme
    | is|has|enabled|disabled|required|present|valid|invalid|verified|validation|matches|reset|changed|updated|created
    | error|errors|exception|failed|failure|not_found|missing|denied|rejected|revoked|mismatch|too_\w+
    | manager|provider|service|store|storage|handler|validator\w*|generator|factory|middleware|view|form|controller
    | strategy|helper|filter|interceptor|repository|cache|client|parser|serializer|backend
    | field|input|jar|consent|banner
    )(?:_\w*)?""",
    re.VERBOSE,
)
_ID = re.compile(r"(?:^|_)(?:id|ids|uuid|guid|sha|hash|timestamp|time|at|date|nanos|version)$")
_ORDINARY = re.compile(r"(?!.*\d{13})[\w .$\[\]-]{0,40}", re.ASCII)
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def small_words(name: str) -> str:
    """`X-Api-Key`, `apiKey` and `api.key` as `x_api_key`, `api_key`, `api_key`."""
    return _WORD_BREAK.sub("_", name).strip("_").lower()


class Names:
    """Says what kind of name it is given; remembers, because the same few names come with every event.

    `secret` names are added to ours, `safe` ones are let through. Both are compared in small words; a `secret` one also
    counts as part of a longer name, word by word.
    """

    def __init__(self, secret: Sequence[str] = (), safe: Sequence[str] = ()) -> None:
        added = [words for words in map(small_words, secret) if words]
        self._added = re.compile(rf"(?:^|_)(?:{'|'.join(added)})(?:_|$)") if added else None
        self._safe = frozenset(small_words(name) for name in safe)
        # Ordinary names only: what is missing here may be a text, such as the URL of a database.
        self.known: dict[str, NameKind] = {}
        # A text without these has none of the added names in it: their longest words.
        self.added_stems = tuple(max(words.split("_"), key=len) for words in added)

    def kind_of(self, name: str) -> NameKind:
        """What the first MAX_LENGTH characters of `name` say."""
        return self.known.get(name) or self._learn(name[:MAX_LENGTH])

    def _learn(self, name: str) -> NameKind:
        kind = self._judge(small_words(name))
        if _ORDINARY.fullmatch(name):
            if len(self.known) >= _MEMORY:
                self.known.clear()
            self.known[name] = kind
        return kind

    def _judge(self, words: str) -> NameKind:
        if words in self._safe:
            return NameKind.PLAIN
        if self._added and self._added.search(words):
            return NameKind.SECRET
        found = _SECRET.search(words)
        if found and not _ABOUT.fullmatch(words, found.end()):
            return NameKind.COUNT if found["count"] else NameKind.SECRET
        return NameKind.ID if _ID.search(words) else NameKind.PLAIN
