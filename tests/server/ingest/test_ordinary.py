"""What the fast lane reads itself, and what it leaves to Sanic."""

from __future__ import annotations

import pytest

from bugwatch.server.ingest import ordinary
from bugwatch.server.ingest.ordinary import BODY_BYTES, HEAD_BYTES, Unusual

PYTHON = (
    "POST /api/7/envelope/ HTTP/1.1",
    "Host: bugs.example:8470",
    "X-Sentry-Auth: Sentry sentry_key=abc, sentry_version=7, sentry_client=sentry.python/2.75.0",
    "Content-Encoding: gzip",
    "Content-Type: application/x-sentry-envelope",
)
BODY = b"\x1f\x8b\r\n\r\n"


def raw(*lines: str, body: bytes = BODY, length: str | None = None) -> bytes:
    length = f"Content-Length: {len(body)}" if length is None else length
    return "\r\n".join([*lines, *([length] if length else []), "", ""]).encode("latin-1") + body


def test_a_head_is_read_with_its_names_in_lower_case_and_its_query() -> None:
    lines = ["POST /bw/api/7/envelope?sentry_key=a%62&x=&sentry_key=c HTTP/1.1", *PYTHON[1:], "Connection: Keep-Alive"]
    found = ordinary.read(raw(*lines), "/bw")

    assert found
    head, body = found
    assert (head.project_id, head.query, body) == (7, {"sentry_key": "ab"}, BODY)
    assert head.headers["content-encoding"] == "gzip"
    assert head.headers["host"] == "bugs.example:8470"


def test_a_part_of_it_is_waited_for() -> None:
    whole = raw(*PYTHON)

    assert [ordinary.read(whole[:end], "") for end in range(len(whole))] == [None] * len(whole)
    assert ordinary.read(whole, "") is not None


@pytest.mark.parametrize("length", [0, BODY_BYTES + 1, 10**12])
def test_a_body_of_an_unusual_length_is_unusual_before_it_is_there(length: int) -> None:
    with pytest.raises(Unusual):
        ordinary.read(raw(*PYTHON, body=b"", length=f"Content-Length: {length}"), "")


def test_a_head_without_an_end_is_unusual() -> None:
    with pytest.raises(Unusual):
        ordinary.read(b"POST /api/7/envelope/ HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES, "")


@pytest.mark.parametrize(
    "start",
    [
        "GET /api/7/envelope/ HTTP/1.1",
        "post /api/7/envelope/ HTTP/1.1",
        "POST /api/7/envelope/ HTTP/1.0",
        "POST  /api/7/envelope/ HTTP/1.1",
        "POST /api/7/envelope/  HTTP/1.1",
        "POST\t/api/7/envelope/ HTTP/1.1",
        "POST /api/7/envelope/ HTTP/1.1 ",
        "POST http://bugs.example/api/7/envelope/ HTTP/1.1",
        "POST /api/7/store/ HTTP/1.1",
        "POST /api/07/envelope/ HTTP/1.1",
        "POST /api/-7/envelope/ HTTP/1.1",
        "POST /api/\u0667/envelope/ HTTP/1.1".encode().decode("latin-1"),
        "POST /api/9999999999999999999/envelope/ HTTP/1.1",
        "POST /api//7/envelope/ HTTP/1.1",
        "POST /api/7/envelope// HTTP/1.1",
        "POST /api/7/%65nvelope/ HTTP/1.1",
        "POST /api/7/envelope/?a#b HTTP/1.1",
        "POST /api/7/envelope/?a=\x01 HTTP/1.1",
    ],
)
def test_another_first_line_is_unusual(start: str) -> None:
    with pytest.raises(Unusual):
        ordinary.read(raw(start, *PYTHON[1:]), "")


@pytest.mark.parametrize(
    "line",
    [
        "Transfer-Encoding: chunked",
        "transfer-encoding:chunked",
        "Expect: 100-continue",
        "Upgrade: websocket",
        "Connection: close",
        "Connection: keep-alive, upgrade",
        "Content-Length: 6",
        "content-length: 7",
        "CONTENT-LENGTH: 6",
        "Host: twice",
        "X-Sentry-Auth : a",
        " folded: a",
        "\tfolded: a",
        "no colon",
        ": no name",
        "nul: a\0b",
        "bare: a\rb",
        "bare: a\nTransfer-Encoding: chunked",
        "latin: \xe9",
        "n\xe4me: a",
        "two:  blanks",
        "late: blank ",
    ],
)
def test_a_line_that_could_be_read_in_two_ways_or_asks_for_more_is_unusual(line: str) -> None:
    for lines in ((*PYTHON, line), (PYTHON[0], line, *PYTHON[1:])):
        with pytest.raises(Unusual):
            ordinary.read(raw(*lines), "")


@pytest.mark.parametrize(
    "length",
    ["", "Content-Length: +6", "Content-Length: 0x6", "Content-Length: 6 ", "Content-Length: 06", "Content-Length:6"],
)
def test_a_length_in_another_form_is_unusual(length: str) -> None:
    with pytest.raises(Unusual):
        ordinary.read(raw(*PYTHON, length=length), "")


def test_a_folded_length_is_unusual() -> None:
    with pytest.raises(Unusual):
        ordinary.read(raw(*PYTHON, length="Content-Length: 6\r\n 6"), "")


def test_more_than_the_body_is_unusual() -> None:
    with pytest.raises(Unusual):
        ordinary.read(raw(*PYTHON) + b"P", "")


def test_lines_that_end_in_a_line_feed_only_are_unusual() -> None:
    with pytest.raises(Unusual):
        ordinary.read(raw(*PYTHON).replace(b"\r\n", b"\n", 1), "")
