"""Content-Encoding: expand a body while it arrives, in bounded memory (PROTOCOL §1.4).

Every codec hands its output on in pieces of about 64 KiB, and each piece is counted before the next one is made. So a
bomb, in any encoding, is refused having expanded no more than the limit and one piece.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import IO, Self, cast

import brotli
import zstandard
from isal import igzip_lib

from bugwatch.domain.errors import Invalid, RateLimited, TooLarge, UnknownEncoding
from bugwatch.domain.limits import KIB, MIB

PIECE = 64 * KIB  # of output, made at a time (brotli and zstd overshoot it: up to 96 and 128 KiB)
SLICE = 64 * KIB  # of input, given to a codec at a time: what it cannot use yet, it copies
# Nobody sends more, and each new member needs a new state: a large body of empty ones would keep us busy for a minute.
GZIP_MEMBERS = 100
# The window of zstd is memory that the sender asks for. RFC 8878 recommends to support at least this much.
ZSTD_WINDOW = 8 * MIB
_ZSTD_END = zstandard.ZstdCompressor().compress(b"end")
# isal's stub takes its error for an instance.
_CODEC_ERRORS = (cast(type[Exception], igzip_lib.IsalError), brotli.error, zstandard.ZstdError)

BUSY_SECONDS = 2
_CORRUPT = "The body is not what its Content-Encoding says, or it was damaged on its way."

Reserve = Callable[[int], None]


def freely(count: int) -> None:
    """Without a budget, every reservation is granted."""


def decoder_for(content_encoding: str | None, *, limit: int, reserve: Reserve = freely) -> Decoder:
    """A decoder for one body that may expand to `limit` bytes.

    `reserve` is called with each piece's size before the piece is kept, and may refuse it by raising: see `ByteBudget`.
    None, an empty text, `utf-8` and `identity` mean a body as it is: Ruby and old Androids send such (§0.5). Raises
    `UnknownEncoding` for what we do not speak and for encodings on top of each other.
    """
    return _kind_of(content_encoding)(limit, reserve)


def is_as_it_is(content_encoding: str | None) -> bool:
    """Whether nothing is to be expanded. Raises as `decoder_for`."""
    return _kind_of(content_encoding) is Decoder


def decode(body: bytes, content_encoding: str | None, *, limit: int, reserve: Reserve = freely) -> bytes:
    """The whole `body`, expanded. Errors are those of `decoder_for`, `Decoder.feed` and `Decoder.finish`."""
    if _kind_of(content_encoding) is _Gzip and (expanded := _small_gzip(body, limit)):
        reserve(len(expanded))
        return expanded
    decoder = decoder_for(content_encoding, limit=limit, reserve=reserve)
    return decoder.feed(body) + decoder.finish()


@lru_cache(maxsize=64)
def _kind_of(content_encoding: str | None) -> type[Decoder]:
    named = [name for part in (content_encoding or "").split(",") if (name := part.strip().lower()) not in _AS_IT_IS]
    if not named:
        return Decoder
    if len(named) > 1 or named[0] not in _DECODERS:
        raise UnknownEncoding(
            f"We cannot read a body with Content-Encoding {content_encoding!r:.100}. "
            "Known are gzip, deflate, br, zstd and identity, one at a time."
        )
    return _DECODERS[named[0]]


def _small_gzip(body: bytes, limit: int) -> bytes | None:
    """In one step what one sound member of no more than a piece expands to: nearly every event. None for all else."""
    if int.from_bytes(body[-4:], "little") > min(limit, PIECE):  # where it is sound, that is its size
        return None
    member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    try:
        expanded = member.decompress(body, min(limit, PIECE))
    except _CODEC_ERRORS:
        return None
    return expanded if member.eof and not member.unused_data else None


class Decoder:
    """Expands one body, chunk by chunk. This class passes it on as it is; each encoding has its subclass below."""

    def __init__(self, limit: int, reserve: Reserve) -> None:
        self._limit = limit
        self._room = limit
        self._reserve = reserve
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        """What `chunk` expands to, perhaps nothing yet.

        Raises `TooLarge` over the limit, `Invalid` for a corrupt body, and what `reserve` raises. After an error the
        decoder is of no further use.
        """
        try:
            for start in range(0, len(chunk), SLICE):
                self._inflate(chunk[start : start + SLICE])
        except _CODEC_ERRORS as error:
            raise Invalid(_CORRUPT) from error
        return self._handed_on()

    def finish(self) -> bytes:
        """The rest of the body, to be called after its last chunk. `Invalid` if it ended too early; else as `feed`."""
        try:
            is_complete = self._end()
        except _CODEC_ERRORS as error:
            raise Invalid(_CORRUPT) from error
        if not is_complete:
            raise Invalid("The compressed body ends too early.")
        return self._handed_on()

    def _inflate(self, data: bytes) -> None:
        """Take in `data`, and hand on what it expands to by `_take`."""
        self._take(data)

    def _end(self) -> bool:
        """Hand on what is left; whether the body is whole."""
        return True

    def _handed_on(self) -> bytes:
        expanded = b"".join(self._pieces)
        self._pieces.clear()
        return expanded

    def _take(self, piece: bytes) -> None:
        self._room -= len(piece)
        if self._room < 0:
            raise TooLarge(f"The body is too large: at most {self._limit:,} bytes are taken, after decompression.")
        self._reserve(len(piece))
        self._pieces.append(piece)


class _Gzip(Decoder):
    """One or more gzip members, one after the other (RFC 1952)."""

    def __init__(self, limit: int, reserve: Reserve) -> None:
        super().__init__(limit, reserve)
        self._member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._member_count = 0
        self._is_between = False

    def _inflate(self, data: bytes) -> None:
        while data or not self._member.needs_input:
            self._is_between = False
            self._take(self._member.decompress(data, PIECE))
            data = b""
            if self._member.eof:
                data = self._member.unused_data
                self._next_member()

    def _next_member(self) -> None:
        self._member_count += 1
        if self._member_count > GZIP_MEMBERS:
            raise Invalid(f"The body has more than {GZIP_MEMBERS} gzip members.")
        self._member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._is_between = True

    def _end(self) -> bool:
        return self._is_between


class _Deflate(Decoder):
    """zlib-wrapped, as the RFC says, or raw, as some clients do.

    A zlib wrapper's first byte ends in 8. A raw stream's never does: that would be an uncompressed block with a bit
    set in its padding.
    """

    _stream: igzip_lib.IgzipDecompressor | None = None

    def _inflate(self, data: bytes) -> None:
        if self._stream is None:
            is_wrapped = data[0] & 0x0F == 8
            flag = igzip_lib.DECOMP_ZLIB if is_wrapped else igzip_lib.DECOMP_DEFLATE
            self._stream = igzip_lib.IgzipDecompressor(flag=flag)
        while data or not (self._stream.needs_input or self._stream.eof):
            _refuse_more(data, self._stream.eof)
            self._take(self._stream.decompress(data, PIECE))
            data = self._stream.unused_data

    def _end(self) -> bool:
        return self._stream is not None and self._stream.eof


class _Brotli(Decoder):
    """Expanded when it has arrived as a whole.

    The library fills its window, up to 16 MiB if the sender wants it so, before it hands on the first byte. A decoder
    that waits for a slow sender would hold that much for a hundred bytes received; so there is never more than one.
    """

    def __init__(self, limit: int, reserve: Reserve) -> None:
        super().__init__(limit, reserve)
        self._arrived: list[bytes] = []

    def _inflate(self, data: bytes) -> None:
        self._reserve(len(data))
        self._arrived.append(data)

    def _end(self) -> bool:
        stream = brotli.Decompressor()
        for data in self._arrived:
            _refuse_more(data, stream.is_finished())
            self._expand(stream, data)
        return bool(stream.is_finished())

    def _expand(self, stream: brotli.Decompressor, data: bytes) -> None:
        has_more = True
        while has_more:
            piece = stream.process(data, output_buffer_limit=PIECE)
            self._take(piece)
            data = b""
            # A full piece may be followed by another even if all input is used up.
            has_more = not (stream.is_finished() or (len(piece) < PIECE and stream.can_accept_more_data()))


class _Zstd(Decoder):
    """One or more zstd frames. The library's writer is its one interface that hands on its output in bounded pieces."""

    def __init__(self, limit: int, reserve: Reserve) -> None:
        super().__init__(limit, reserve)
        self._writer = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_writer(cast(IO[bytes], self))
        self._is_empty = True

    def _inflate(self, data: bytes) -> None:
        self._writer.write(data)
        self._is_empty = False

    def write(self, piece: bytes) -> int:
        """What the library calls with each piece of output."""
        self._take(piece)
        return len(piece)

    def _end(self) -> bool:
        # The library does not tell where a frame ends. But a frame of ours is understood only where one may begin; in
        # two parts, as a whole one in one piece is understood even after half a header.
        self._room, self._reserve = MIB, freely
        try:
            self._writer.write(_ZSTD_END[:8])
            self._writer.write(_ZSTD_END[8:])
        except zstandard.ZstdError:
            return False
        is_complete = not self._is_empty and self._pieces == [b"end"]
        self._pieces.clear()
        return is_complete


def _refuse_more(data: bytes, is_finished: bool) -> None:
    if data and is_finished:
        raise Invalid("The compressed body is followed by something else.")


_DECODERS: dict[str, type[Decoder]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
_AS_IT_IS = frozenset({"", "identity", "utf-8", "utf8"})


class ByteBudget:
    """How many expanded bytes the whole process holds at once, whatever the number of connections."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_use = 0
        self._lock = threading.Lock()

    def lease(self) -> Lease:
        """One request's part of the budget: `with budget.lease() as lease: decode(…, reserve=lease.reserve)`."""
        return Lease(self)

    def reserve(self, count: int) -> None:
        """Take `count` bytes, or raise `RateLimited`: SDKs heed a 429, and lose the event on a 5xx."""
        with self._lock:
            if self.in_use + count > self.limit:
                raise RateLimited("Too much is arriving at once. Try again in a moment.", BUSY_SECONDS, reason="busy")
            self.in_use += count

    def release(self, count: int) -> None:
        """Give back `count` bytes."""
        with self._lock:
            self.in_use -= count


class Lease:
    """The bytes that one request has taken; leaving the `with` block gives them back."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.held = 0

    def reserve(self, count: int) -> None:
        """As `ByteBudget.reserve`, but `TooLarge` where waiting cannot help: this request alone exceeds the budget."""
        if self.held + count > self._budget.limit:
            raise TooLarge(
                f"The body is too large: at most {self._budget.limit:,} bytes are taken, after decompression."
            )
        self._budget.reserve(count)
        self.held += count

    def release(self) -> None:
        """Give everything back. Harmless when repeated."""
        self._budget.release(self.held)
        self.held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
