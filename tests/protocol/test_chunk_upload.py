"""Chunks are what their names say, or nothing of the request is kept."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from bugwatch.domain.errors import BugwatchError, Invalid, TooLarge
from bugwatch.protocol.chunk_upload import CHUNK_BYTES, PARTS, chunks_of

TYPE = "multipart/form-data; boundary=xyz"


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def part(data: bytes, name: str = "file", filename: str | None = None) -> bytes:
    filename = sha1(data) if filename is None else filename
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def test_raw_and_gzipped_chunks_come_out_and_other_parts_do_not() -> None:
    one, two = b"one\r\n--xy", b"\0two"
    sent = body(
        part(one), part(gzip.compress(two), "file_gzip", sha1(two)), part(b"?", "note"), part(b"", filename=sha1(b""))
    )

    found = list(chunks_of(sent, TYPE))

    assert found == [(hashlib.sha1(data).digest(), data) for data in (one, two, b"")]
    assert list(chunks_of(body(part(one)), 'Multipart/Form-Data; charset=x; boundary="xyz"')) == found[:1]
    assert list(chunks_of(body(), TYPE)) == []


@pytest.mark.parametrize(
    ("sent", "content_type", "error", "sentence"),
    [
        (body(part(b"x", filename=sha1(b"y"))), TYPE, Invalid, "another SHA-1"),
        (body(part(b"x", filename="../../etc/passwd")), TYPE, Invalid, "named by the SHA-1"),
        (body(part(b"x", filename="")), TYPE, Invalid, "named by the SHA-1"),
        (body(part(b"no gzip at all", "file_gzip")), TYPE, Invalid, "no gzip"),
        (body(part(bytes(CHUNK_BYTES + 1))), TYPE, TooLarge, "too large"),
        (body(part(gzip.compress(bytes(50 * CHUNK_BYTES)), "file_gzip", "0" * 40)), TYPE, TooLarge, "too large"),
        (body(*[part(b"x")] * (PARTS + 1)), TYPE, TooLarge, "at most 64 parts"),
        (part(b"x"), TYPE, Invalid, "too early"),
        (b"--xyz\r\n--xyz--", TYPE, Invalid, "damaged"),
        (body(part(b"x")), "application/json", Invalid, "multipart"),
        (body(part(b"x")), "multipart/form-data", Invalid, "multipart"),
    ],
)
def test_what_is_wrong_is_said(sent: bytes, content_type: str, error: type[BugwatchError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        list(chunks_of(sent, content_type))


def test_no_truncation_yields_a_chunk_that_is_not_whole() -> None:
    sent = body(part(b"one"), part(gzip.compress(b"two"), "file_gzip", sha1(b"two")))
    whole = list(chunks_of(sent, TYPE))
    for length in range(len(sent) - 4):
        try:
            found = list(chunks_of(sent[:length], TYPE))
        except BugwatchError:
            continue
        assert found == whole[: len(found)]
