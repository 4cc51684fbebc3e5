"""Which requests are ordinary: envelopes of modest size as SDKs send them day by day, to be read in one way only.

What two programs could read differently (a folded line, a blank before a colon, two lengths, a length and chunks) is
what requests are smuggled with. So this does not try to understand: what is not exactly as written here is unusual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bugwatch.domain.limits import KIB
from bugwatch.server.ingest.knock import query_of

HEAD_BYTES = 4 * KIB
BODY_BYTES = 64 * KIB

_START = b"POST /"
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ([1-9][0-9]{0,4})(?=\r\n)")
_TARGET = re.compile(r"POST (/[\w/.~-]*)(?:\?([\w/.~%&=+:,@-]*))? HTTP/1\.1", re.ASCII)
_PATH = re.compile(r"/api/([1-9][0-9]{0,17})/envelope/?")
_HEADER = re.compile(r"([\w!#$%&'*+.^`|~-]+): ?((?:[!-~](?:[\t -~]*[!-~])?)?)", re.ASCII)
# They say that more than a body follows, or that the connection is used otherwise.
_UNUSUAL = frozenset({"content-length", "transfer-encoding", "expect", "upgrade"})


class Unusual(Exception):
    """It may be a fine request; another one reads it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the body, names in lower case, without the Content-Length."""

    project_id: int
    headers: Mapping[str, str]
    query: Mapping[str, str]


def read(came: bytes, base_path: str) -> tuple[Head, bytes] | None:
    """The head and the body of the request in `came`, or None while a part of it is missing. Raises Unusual."""
    end = came.find(b"\r\n\r\n")
    if end < 0:
        if len(came) > HEAD_BYTES or not came.startswith(_START[: len(came)]):
            raise Unusual
        return None
    length = _LENGTH.search(came, 0, end + 2)
    if length is None or end > HEAD_BYTES:
        raise Unusual
    # An SDK's heads differ in their lengths only: without it, each is read once.
    head = _head(came[: length.start()] + came[length.end() : end], base_path)
    size = int(length[1])
    body = came[end + 4 :]
    if head is None or size > BODY_BYTES or len(body) > size:
        raise Unusual
    return (head, body) if len(body) == size else None


@lru_cache(maxsize=256)
def _head(text: bytes, base_path: str) -> Head | None:
    first, *lines = text.decode("latin-1").split("\r\n")
    target = _TARGET.fullmatch(first)
    path = _PATH.fullmatch(target[1].removeprefix(base_path)) if target else None
    fields = [_HEADER.fullmatch(line) for line in lines]
    if not target or not path or not all(fields):
        return None
    headers = {field[1].lower(): field[2] for field in fields if field}
    is_kept = headers.get("connection", "keep-alive").lower() == "keep-alive"
    if len(headers) < len(fields) or headers.keys() & _UNUSUAL or not is_kept:
        return None
    return Head(int(path[1]), headers, query_of(target[2] or ""))
