from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import BugwatchError, Invalid, RateLimited, TooLarge
from bugwatch.domain.limits import MIB
from bugwatch.protocol.encoding import ByteBudget
from bugwatch.protocol.store_body import is_envelope, unpack

EVENT = json.dumps({"message": "hello ÿþ?>", "level": "error", "extra": {"list": list(range(300))}}).encode()

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda event: event,
    "base64": base64.b64encode,
    "url-safe base64": base64.urlsafe_b64encode,
    "base64 in lines": base64.encodebytes,
    "base64 without padding": lambda event: base64.b64encode(event).rstrip(b"="),
    "base64 through a form": lambda event: base64.b64encode(event).replace(b"+", b" "),
    "base64 of zlib": lambda event: base64.b64encode(zlib.compress(event)),
    "url-safe base64 of zlib": lambda event: base64.urlsafe_b64encode(zlib.compress(event)),
}
every_packing = pytest.mark.parametrize("pack", PACKINGS.values(), ids=PACKINGS)


@every_packing
def test_an_event_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    assert unpack(pack(EVENT), limit=MIB) == EVENT


def test_a_byte_order_mark_and_blanks_around_are_read_over() -> None:
    assert unpack(b"\xef\xbb\xbf\n " + EVENT + b"\n", limit=MIB) == EVENT


def test_bare_nan_is_tolerated() -> None:
    assert unpack(b'{"extra":{"a":NaN}}', limit=MIB) == b'{"extra":{"a":NaN}}'


@every_packing
def test_the_limit_is_exact_for_every_packing(pack: Callable[[bytes], bytes]) -> None:
    assert unpack(pack(EVENT), limit=len(EVENT)) == EVENT
    with pytest.raises(TooLarge):
        unpack(pack(EVENT), limit=len(EVENT) - 1)


def test_a_packed_bomb_is_refused_within_the_limit() -> None:
    counts: list[int] = []
    bomb = base64.b64encode(zlib.compress(b'{"a":"' + b"x" * (32 * MIB) + b'"}'))

    with pytest.raises(TooLarge):
        unpack(bomb, limit=MIB, reserve=counts.append)

    assert sum(counts) <= MIB


def test_the_budget_may_refuse() -> None:
    with ByteBudget(100).lease() as one, pytest.raises(TooLarge):
        unpack(base64.b64encode(zlib.compress(EVENT)), limit=MIB, reserve=one.reserve)
    budget = ByteBudget(2_000)
    budget.reserve(1_999)
    with budget.lease() as other, pytest.raises(RateLimited):
        unpack(base64.b64encode(zlib.compress(EVENT)), limit=MIB, reserve=other.reserve)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"[{}]",
        b"7",
        b'"text"',
        b"hello",
        b"not json at all!",
        b"\x00\xff",
        b"{",
        b'{"a":',
        b"{]",
        b"=" * 50,
        b'{"a":1}{"b":2}',
        b'{"a":' * 100_000,
        base64.b64encode(b"hello"),
        base64.b64encode(b"[]"),
        base64.b64encode(b"{"),
        base64.b64encode(zlib.compress(b"[]")),
        base64.b64encode(zlib.compress(EVENT)[:-9]),
        base64.b64encode(zlib.compress(b"{]")),
        base64.b64encode(base64.b64encode(EVENT)),
        "日本語".encode(),
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        unpack(body, limit=MIB)


@pytest.mark.parametrize(
    ("content_type", "is_one"),
    [
        ("application/x-sentry-envelope", True),
        ("Application/X-Sentry-Envelope; charset=utf-8", True),
        ("application/json", False),
        ("text/plain;application/x-sentry-envelope", False),
        ("", False),
        (None, False),
    ],
)
def test_an_envelope_is_told_by_its_content_type(content_type: str | None, is_one: bool) -> None:
    assert is_envelope(content_type) is is_one


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(raw: bytes) -> None:
    for body in (raw, b"{" + raw, base64.b64encode(raw), base64.b64encode(zlib.compress(raw))):
        with suppress(BugwatchError):
            unpack(body, limit=1_000)
