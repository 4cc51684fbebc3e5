"""What a request is called in its answer and in the log: as the proxy named it, else in our own way."""

from __future__ import annotations

import re
import secrets
from itertools import count

_FIT = re.compile(r"[!-~]{1,200}")
_START = secrets.token_hex(8)
_numbers = count(1)


def request_id(given: str | None) -> str:
    """`given` is what came as X-Request-Id. Ours are 32 hex digits that no other process makes; they are no secret."""
    if given and _FIT.fullmatch(given):
        return given
    return f"{_START}{next(_numbers):016x}"
