from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bugwatch.domain.errors import BugwatchError, Invalid, RateLimited, TooLarge, UnknownEncoding
from bugwatch.domain.limits import KIB, MIB
from bugwatch.protocol.encoding import GZIP_MEMBERS, PIECE, ByteBudget, Decoder, decode, decoder_for


def raw_deflate(body: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(body) + squeezer.flush()


def wide_zstd(body: bytes, window_log: int) -> bytes:
    params = zstandard.ZstdCompressionParameters(window_log=window_log)
    squeezer = zstandard.ZstdCompressor(compression_params=params).compressobj()
    return squeezer.compress(body) + squeezer.flush()


def rest_of(decoder: Decoder, chunk: bytes) -> bytes:
    return decoder.feed(chunk) + decoder.finish()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "zlib-wrapped deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", lambda body: bytes(brotli.compress(body, quality=4))),
    "zstd": ("zstd", zstandard.compress),
}
every_encoding = pytest.mark.parametrize(("name", "encode"), ENCODERS.values(), ids=ENCODERS)
every_coding_name = st.sampled_from(sorted({name for name, _ in ENCODERS.values()}))

# Half noise, half repetition, several pieces long.
BODY = b"".join(random.Random(seed).randbytes(2_000) + b"all the same " * 400 for seed in range(40))


@every_encoding
def test_an_encoded_body_comes_back_whole(name: str, encode: Callable[[bytes], bytes]) -> None:
    assert decode(encode(BODY), name, limit=len(BODY)) == BODY
    assert decode(encode(b""), name, limit=0) == b""


@every_encoding
@pytest.mark.parametrize("size", [1, 7, 1_000, 70_000])
def test_chunks_may_be_cut_anywhere(name: str, encode: Callable[[bytes], bytes], size: int) -> None:
    encoded = encode(BODY[:40_000])
    decoder = decoder_for(name, limit=40_000)

    pieces = [decoder.feed(encoded[at : at + size]) for at in range(0, len(encoded), size)]

    assert b"".join([*pieces, decoder.finish()]) == BODY[:40_000]


@given(body=st.binary(max_size=300), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=30))
@pytest.mark.parametrize(("name", "encode"), ENCODERS.values(), ids=ENCODERS)
def test_any_body_in_any_chunks_comes_back(
    name: str, encode: Callable[[bytes], bytes], body: bytes, sizes: list[int]
) -> None:
    encoded = encode(body)
    decoder = decoder_for(name, limit=300)
    expanded, at = b"", 0
    for size in [*sizes, len(encoded)]:
        expanded += decoder.feed(encoded[at : at + size])
        at += size

    assert expanded + decoder.finish() == body


@pytest.mark.parametrize("name", [None, "", " ", "utf-8", "UTF-8", "identity", "Identity, identity", ","])
def test_no_encoding_and_what_ruby_and_android_send_instead(name: str | None) -> None:
    assert decode(b"as it is", name, limit=8) == b"as it is"


@pytest.mark.parametrize("name", ["GZIP", " gzip ", "gzip, identity", "identity,gzip"])
def test_the_encodings_name_is_read_generously(name: str) -> None:
    assert decode(gzip.compress(b"hello"), name, limit=5) == b"hello"


@pytest.mark.parametrize("name", ["compress", "gzip, br", "gzip,gzip", "x" * 5_000, "gzip;q=1", "\x00"])
def test_what_we_do_not_speak_is_said_so(name: str) -> None:
    with pytest.raises(UnknownEncoding) as refused:
        decoder_for(name, limit=10)

    assert len(str(refused.value)) < 300


@every_encoding
def test_a_body_that_ends_too_early_is_refused_wherever_it_ends(name: str, encode: Callable[[bytes], bytes]) -> None:
    encoded = encode(BODY[:3_000])
    for end in range(len(encoded)):
        with pytest.raises(Invalid):
            decode(encoded[:end], name, limit=MIB)


@every_encoding
def test_a_body_that_is_followed_by_something_else_is_refused(name: str, encode: Callable[[bytes], bytes]) -> None:
    encoded = encode(b"hello")

    with pytest.raises(Invalid):
        decode(encoded + b"something else", name, limit=MIB)
    decoder = decoder_for(name, limit=MIB)
    decoder.feed(encoded)
    with pytest.raises(Invalid):
        rest_of(decoder, b"something else")


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_a_plain_body_that_claims_to_be_compressed_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        decode(b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event"}\n{}', name, limit=MIB)


@pytest.mark.parametrize("at", [-5, -1])
def test_a_wrong_checksum_or_length_is_noticed(at: int) -> None:
    damaged = bytearray(gzip.compress(BODY))
    damaged[at] ^= 1

    with pytest.raises(Invalid):
        decode(bytes(damaged), "gzip", limit=MIB)


@given(body=st.binary(max_size=400), name=every_coding_name)
def test_garbage_is_refused_with_a_sentence(body: bytes, name: str) -> None:
    with suppress(BugwatchError):
        decode(body, name, limit=1_000)


@given(encoder=st.sampled_from(sorted(ENCODERS)), at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=300)
def test_one_flipped_bit_never_breaks_more_than_the_request(encoder: str, at: int, bit: int) -> None:
    name, encode = ENCODERS[encoder]
    damaged = bytearray(encode(BODY[:20_000]))
    damaged[at % len(damaged)] ^= 1 << bit
    with suppress(BugwatchError):
        assert len(decode(bytes(damaged), name, limit=MIB)) <= MIB


def outcome(read: Callable[[bytes], bytes], body: bytes) -> object:
    try:
        return read(body)
    except BugwatchError as error:
        return type(error), str(error)


@given(
    body=st.binary(max_size=40) | st.sampled_from([BODY[:3_000], BODY[:PIECE], BODY[: PIECE + 1]]),
    cut=st.integers(0, 12),
    flipped=st.none() | st.tuples(st.integers(0, 10_000), st.integers(0, 7)),
    behind=st.sampled_from([b"", b"?", b"\0\0\0\0", gzip.compress(b"more"), gzip.compress(b"")]),
    limit=st.sampled_from([0, 10, 2_999, 3_000, PIECE, MIB]),
)
def test_a_small_gzip_is_read_in_one_step_as_in_many(
    body: bytes, cut: int, flipped: tuple[int, int] | None, behind: bytes, limit: int
) -> None:
    packed = bytearray(gzip.compress(body, mtime=0))
    if flipped:
        packed[flipped[0] % len(packed)] ^= 1 << flipped[1]
    sent = bytes(packed[: len(packed) - cut]) + behind

    at_once = outcome(lambda sent: decode(sent, "gzip", limit=limit), sent)
    assert at_once == outcome(lambda sent: rest_of(decoder_for("gzip", limit=limit), sent), sent)


@every_encoding
def test_the_limit_is_exact(name: str, encode: Callable[[bytes], bytes]) -> None:
    assert decode(encode(BODY), name, limit=len(BODY)) == BODY
    with pytest.raises(TooLarge):
        decode(encode(BODY), name, limit=len(BODY) - 1)


def test_the_limit_holds_for_plain_bodies() -> None:
    with pytest.raises(TooLarge):
        decode(b"12345", None, limit=4)


class Meter:
    """Counts what is reserved; the last piece, which broke the limit, is not asked for."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def __call__(self, count: int) -> None:
        self.counts.append(count)


@every_encoding
def test_a_bomb_is_refused_having_expanded_the_limit_and_one_piece(name: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(24 * MIB))
    meter = Meter()
    decoder = decoder_for(name, limit=2 * MIB, reserve=meter)

    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            rest_of(decoder, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 2 * MIB - 2 * PIECE <= sum(meter.counts) <= 2 * MIB + len(bomb)
    assert max(meter.counts) <= 2 * PIECE
    # The C libraries' own state is not Python's to trace; their output buffers are.
    assert peak < 4 * MIB


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(lambda: gzip.compress(bytes(MIB)) * 60, id="many members"),
        pytest.param(lambda: gzip.compress(gzip.compress(bytes(24 * MIB))), id="a bomb in a bomb stays packed"),
    ],
)
def test_other_shapes_of_gzip_bombs_stay_within_the_limit(bomb: Callable[[], bytes]) -> None:
    with suppress(TooLarge):
        assert len(decode(bomb(), "gzip", limit=4 * MIB)) <= 4 * MIB


def test_gzip_members_follow_each_other_up_to_a_number() -> None:
    member = gzip.compress(b"x")

    assert decode(member * GZIP_MEMBERS, "gzip", limit=MIB) == b"x" * GZIP_MEMBERS
    with pytest.raises(Invalid):
        decode(member * (GZIP_MEMBERS + 1), "gzip", limit=MIB)


def test_zstd_frames_follow_each_other() -> None:
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"

    assert decode(zstandard.compress(b"a") + skippable + zstandard.compress(b"b"), "zstd", limit=2) == b"ab"


def test_a_zstd_window_beyond_ours_is_refused_before_it_is_made() -> None:
    assert decode(wide_zstd(BODY, 23), "zstd", limit=MIB) == BODY
    with pytest.raises(Invalid):
        decode(wide_zstd(BODY, 24), "zstd", limit=MIB)


def test_a_zstd_body_as_long_as_the_limit_leaves_room_for_our_own_probe() -> None:
    budget = ByteBudget(5)
    with budget.lease() as lease:
        assert decode(zstandard.compress(b"hello"), "zstd", limit=5, reserve=lease.reserve) == b"hello"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux tells it")
def test_brotli_that_trickles_in_holds_no_window_meanwhile() -> None:
    bomb = brotli.compress(bytes(24 * MIB), quality=5, lgwin=24)
    with open("/proc/self/statm") as statm:
        decoders = [decoder_for("br", limit=MIB) for _ in range(100)]
        before = int(statm.read().split()[1])
        for decoder in decoders:
            assert decoder.feed(bomb[:-1]) == b""
        statm.seek(0)
        after = int(statm.read().split()[1])

    assert (after - before) * 4 * KIB < 16 * MIB
    for decoder in decoders[:3]:
        with pytest.raises(TooLarge):
            decoder.finish()


def test_a_budget_is_shared_and_given_back() -> None:
    budget = ByteBudget(100)
    with budget.lease() as one, budget.lease() as other:
        one.reserve(60)
        other.reserve(40)
        with pytest.raises(RateLimited) as refused:
            other.reserve(1)
        assert (budget.in_use, one.held, other.held) == (100, 60, 40)
        assert refused.value.retry_after > 0

    assert budget.in_use == 0


def test_a_request_that_alone_exceeds_the_budget_is_too_large_not_early() -> None:
    budget = ByteBudget(100)
    with budget.lease() as lease:
        lease.reserve(100)
        with pytest.raises(TooLarge):
            lease.reserve(1)


def test_many_small_bombs_together_stay_within_the_budget() -> None:
    budget = ByteBudget(300 * KIB)
    bomb = gzip.compress(bytes(200 * KIB))
    with budget.lease() as first, budget.lease() as second:
        decode(bomb, "gzip", limit=MIB, reserve=first.reserve)
        with pytest.raises(RateLimited):
            decode(bomb, "gzip", limit=MIB, reserve=second.reserve)
        assert budget.in_use <= budget.limit


def test_a_lease_given_back_twice_counts_once() -> None:
    budget = ByteBudget(100)
    with budget.lease() as lease:
        lease.reserve(10)
        lease.release()

    assert budget.in_use == 0
