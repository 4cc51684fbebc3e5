"""What makes a password good enough, after NIST SP 800-63B and OWASP ASVS 5.0 (6.2): length, and not one of those that
everybody tries first. No rules of composition: any character counts, space too."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources
from itertools import pairwise

from bugwatch.domain.errors import Invalid

SHORTEST = 10
LONGEST = 256
# `password` with so many characters added at its ends is still `password`.
_DECORATION = 6
_LEET = str.maketrans("01345789@$!", "oleastbgasi")


def normal(password: str) -> str:
    """The same text however the keyboard composed it (NIST SP 800-63B, 3.1.1.2). What is hashed."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, email: str = "") -> None:
    """Raises Invalid with a sentence on what to do, if this is no password for the account with this email."""
    if len(password) < SHORTEST:
        raise Invalid(f"A password needs at least {SHORTEST} characters. A few random words are good.", "password")
    if len(password) > LONGEST:
        raise Invalid(f"A password has at most {LONGEST} characters.", "password")
    if _is_about(password.lower(), email.lower()):
        raise Invalid("The password must not be the email address.", "password")
    if is_common(password):
        raise Invalid("This password is among the first that people try. Choose another.", "password")


def is_common(password: str) -> bool:
    """Whether it is on the list, or made of something on the list, or of a pattern."""
    text = normal(password).lower()
    return text in common() or _is_decorated(text) or _is_repeated(text) or _is_a_row(text)


@cache
def common() -> frozenset[str]:
    """What people choose most, in small letters: whole passwords, and the words they are made of."""
    return frozenset(resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8").split())


def _is_about(password: str, email: str) -> bool:
    mailbox, _, host = email.partition("@")
    return bool(email) and password in (email, mailbox, host, mailbox * 2, mailbox + host)


def _is_decorated(text: str) -> bool:
    """`P4ssw0rd2026!`: a common word, with digits and signs for letters and around it."""
    start, end = 0, len(text)
    while start < end and not text[start].isalpha():
        start += 1
    while start < end and not text[end - 1].isalpha():
        end -= 1
    decoration = text[:start] + text[end:]
    if text[start:end].translate(_LEET) not in common():
        return text.translate(_LEET) in common()
    return len(decoration) <= _DECORATION or _is_repeated(decoration) or _is_a_row(decoration)


def _is_repeated(text: str) -> bool:
    """`abcabcabcabc`, `passwordpassword`."""
    for size in range(1, len(text) // 2 + 1):
        unit = text[:size]
        if text == (unit * (len(text) // size + 1))[: len(text)] and (size <= 4 or unit in common()):
            return True
    return False


def _is_a_row(text: str) -> bool:
    """`abcdefghijk`, `9876543210`: each character follows, or precedes, the one before it."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps <= {1, -9} or steps <= {-1, 9}
