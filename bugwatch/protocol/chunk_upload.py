"""Chunks of a bundle as tools post them: a multipart body, each part named by the SHA-1 of its expanded content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from bugwatch.domain.errors import Invalid, TooLarge
from bugwatch.domain.limits import MIB
from bugwatch.protocol.encoding import decode

CHUNK_BYTES = MIB  # a power of two: sentry-cli up to 2.39.1 wants one
CHUNKS_PER_REQUEST = 8
REQUEST_BYTES = 9 * MIB  # with what stands around the chunks
PARTS = 64

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)=(?:"([^"]{0,200})"|([^\s;"]{0,200}))', re.IGNORECASE)
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")


def chunks_of(body: bytes, content_type: str) -> Iterator[tuple[bytes, bytes]]:
    """(SHA-1, content) of each chunk; other parts are passed over. Raises Invalid, TooLarge; nothing is to be kept of
    the chunk that raises, and of those behind it."""
    for headers, data in _parts(body, content_type):
        told = {match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(headers)}
        if told.get("name") in ("file", "file_gzip"):
            yield _chunk(told.get("filename", ""), data, "gzip" if told["name"] == "file_gzip" else "")


def sha1_of(text: str) -> bytes | None:
    """The 20 bytes of a SHA-1 in hex; None if it is none."""
    return bytes.fromhex(text) if _SHA1.fullmatch(text) else None


def _chunk(name: str, data: bytes, encoding: str) -> tuple[bytes, bytes]:
    sha1 = sha1_of(name)
    if sha1 is None:
        raise Invalid("A chunk must be named by the SHA-1 of its content, in hex.", "file")
    try:
        content = decode(data, encoding, limit=CHUNK_BYTES)
    except TooLarge:
        raise TooLarge(f"The chunk {name} is too large: at most {CHUNK_BYTES:,} bytes are taken.") from None
    except Invalid:
        raise Invalid(f"The chunk {name} is no gzip, or it was damaged on its way.", "file") from None
    if hashlib.sha1(content, usedforsecurity=False).digest() != sha1:
        raise Invalid(f"The content of the chunk {name} has another SHA-1. Upload it again.", "file")
    return sha1, content


def _parts(body: bytes, content_type: str) -> Iterator[tuple[str, bytes]]:
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or not found:
        raise Invalid("Chunks are uploaded as multipart/form-data.")
    line = b"--" + (found[1] or found[2]).encode()
    place = body.find(line)
    for _ in range(PARTS):
        place += len(line)
        if place < len(line) or body.startswith(b"--", place):
            return
        end = body.find(b"\r\n" + line, place)
        headers_end = body.find(b"\r\n\r\n", place, end)
        if end < 0 or headers_end < 0:
            raise Invalid("The multipart body ends too early, or is damaged.")
        yield body[place:headers_end].decode("utf-8", "replace"), body[headers_end + 4 : end]
        place = end + 2
    raise TooLarge(f"A request may hold at most {PARTS} parts.")
