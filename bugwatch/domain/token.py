"""Personal tokens: `bw_`, 30 random characters (178 bits), and six that check them.

The checksum lets a scanner of repositories, and us, tell a token from a typo without asking the database. Project keys
(`bw_live_…`) look different: a token has no second underscore.
"""

from __future__ import annotations

import zlib

PREFIX = "bw_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 30
_CHECK_LENGTH = 6


def token_from(random: int) -> str:
    """The token made of `random`, of which 178 bits count."""
    body = _base62(random, _RANDOM_LENGTH)
    return PREFIX + body + _check(body)


def is_token(text: str) -> bool:
    """Whether it can be one: nothing else needs to be looked up."""
    body, check = text[len(PREFIX) : -_CHECK_LENGTH], text[-_CHECK_LENGTH:]
    return text.startswith(PREFIX) and len(body) == _RANDOM_LENGTH and body.isascii() and _check(body) == check


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text
