"""The fast lane answers as Sanic does, and leaves to Sanic what is not ordinary."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import brotli
import pytest
from sanic.helpers import STATUS_CODES

from bugwatch.domain.batch import Arrival
from bugwatch.server.ingest import ordinary
from bugwatch.server.ingest.fast_lane import FastLane
from bugwatch.server.ingest.ordinary import Unusual
from bugwatch.services.ingest import Ingest, Refusal
from bugwatch.services.projects import Access
from tests.conftest import FakeClock
from tests.server.ingest.conftest import Sender, envelope, error, sender_of
from tests.server.ingest.test_door import budget

GOOD = envelope(("event", error() | {"event_id": "a" * 32}))
BOMB = brotli.compress(b"{}" + b"\n" * 110_000_000, quality=1)
END = b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n"


@dataclass
class Lane:
    """`taken` are the connections that took a request into the fast lane, once for each."""

    taken: list[FastLane]
    is_closed: bool = False


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Lane:
    lane = Lane([])
    take, read = FastLane._take, ordinary.read

    def taking(self: FastLane, *given: object) -> None:
        lane.taken.append(self)
        take(self, *given)  # type: ignore[arg-type]

    def reading(*given: object) -> object:
        if lane.is_closed:
            raise Unusual
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(FastLane, "_take", taking)
    monkeypatch.setattr(ordinary, "read", reading)
    return lane


def request(sender: Sender, body: bytes = GOOD, *headers: str, start: str = "", auth: bool = True) -> bytes:
    lines = [start or f"POST {sender.path} HTTP/1.1", "Host: here", *headers]
    if auth:
        lines += [f"{name}: {value}" for name, value in sender.auth.items()]
    if not any("ontent-" in line and "ength" in line for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@asynccontextmanager
async def connection(sender: Sender) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    place = urlsplit(sender.server.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """One answer, or what came before the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        return head + await reader.readexactly(int(length[1]) if length else 0)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""


async def exchange(sender: Sender, *pieces: bytes) -> list[bytes]:
    """All that is answered on a connection to which these pieces are sent, one after the other, and a farewell."""
    async with connection(sender) as (reader, writer), asyncio.timeout(20):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)
        answers = [await answered(reader)]
        writer.write(END)
        while answer := await answered(reader):
            answers.append(answer)
    return [_without_the_accidental(answer) for answer in answers]


def _without_the_accidental(answer: bytes) -> bytes:
    """Ids, tokens and times differ; alt-svc is sent by a Sanic that was not touched up, as tests have it."""
    for pattern, word in ((rb"[0-9a-f]{32,}", b"<id>"), (rb"dur=[\d.]+", b"dur="), (rb"alt-svc: \r\n", b"")):
        answer = re.sub(pattern, word, answer)
    return answer


async def both_ways(lane: Lane, sender: Sender, *pieces: bytes) -> tuple[list[bytes], bool]:
    """What is answered, the same on both ways, and whether the fast lane did it."""
    before = len(lane.taken)
    fast = await exchange(sender, *pieces)
    was_taken = len(lane.taken) > before
    lane.is_closed = True
    slow = await exchange(sender, *pieces)
    lane.is_closed = False
    assert fast == slow
    return fast, was_taken


def status(answer: bytes) -> int:
    return int(answer[9:12])


Make = Callable[[Sender], bytes]

ORDINARY: dict[str, tuple[int, Make]] = {
    "good": (200, lambda s: request(s)),
    "gzip": (200, lambda s: request(s, gzip.compress(GOOD), "Content-Encoding: gzip")),
    "deflate": (200, lambda s: request(s, zlib.compress(GOOD), "Content-Encoding: deflate")),
    "br": (200, lambda s: request(s, brotli.compress(GOOD), "Content-Encoding: br")),
    "identity": (200, lambda s: request(s, GOOD, "Content-Encoding: identity")),
    "its own request id": (200, lambda s: request(s, GOOD, "X-Request-ID: from-the-proxy")),
    "kept alive": (200, lambda s: request(s, GOOD, "Connection: Keep-Alive")),
    "a key in the query": (
        200,
        lambda s: request(s, start=f"POST {s.path}?sentry_key={s.key}&sentry_version=7 HTTP/1.1", auth=False),
    ),
    "without the last slash": (200, lambda s: request(s, start=f"POST {s.path.rstrip('/')} HTTP/1.1")),
    "a key in the envelope": (
        200,
        lambda s: request(s, envelope(header={"dsn": f"http://{s.key}@elsewhere/{s.project_id}"}), auth=False),
    ),
    "unsupported items": (200, lambda s: request(s, envelope(("transaction", {}), ("mystery", b"?")))),
    "a malformed item": (200, lambda s: request(s, envelope(("event", b"{broken"), header={"event_id": "b" * 32}))),
    "a client report": (
        200,
        lambda s: request(
            s,
            envelope(("client_report", {"discarded_events": [{"reason": "x", "category": "error", "quantity": 1}]})),
        ),
    ),
    "no key": (401, lambda s: request(s, auth=False)),
    "an unknown key": (
        401,
        lambda s: request(s, GOOD, f"X-Sentry-Auth: Sentry sentry_key={'0' * 32}", auth=False),
    ),
    "an odd key": (401, lambda s: request(s, GOOD, "X-Sentry-Auth: Sentry sentry_key=<b>", auth=False)),
    "another version": (
        400,
        lambda s: request(s, GOOD, f"X-Sentry-Auth: Sentry sentry_key={s.key},sentry_version=99", auth=False),
    ),
    "a foreign project": (403, lambda s: request(s, start=f"POST /api/{s.project_id + 1}/envelope/ HTTP/1.1")),
    "a foreign project in the envelope": (
        400,
        lambda s: request(s, envelope(header={"dsn": f"http://{s.key}@elsewhere/{s.project_id + 1}"})),
    ),
    "no envelope": (400, lambda s: request(s, b"not json\n")),
    "an event id that is none": (400, lambda s: request(s, envelope(header={"event_id": "x\r\ny\0"}))),
    "truncated gzip": (400, lambda s: request(s, gzip.compress(GOOD)[:-9], "Content-Encoding: gzip")),
    "gzip with something behind": (400, lambda s: request(s, gzip.compress(GOOD) + b"?", "Content-Encoding: gzip")),
    "damaged gzip": (400, lambda s: request(s, b"\x1f\x8b garbage", "Content-Encoding: gzip")),
    "wrong encoding": (415, lambda s: request(s, GOOD, "Content-Encoding: lzma")),
    "two encodings": (415, lambda s: request(s, GOOD, "Content-Encoding: gzip, br")),
    "expands far": (200, lambda s: request(s, gzip.compress(GOOD + b"\n" * 3_000_000), "Content-Encoding: gzip")),
    "expands too far": (413, lambda s: request(s, BOMB, "Content-Encoding: br")),
}  # fmt: skip

UNUSUAL: dict[str, tuple[int, Make]] = {
    "a body of another size": (200, lambda s: request(s, GOOD + b"\n" * 70_000)),
    "an empty body": (400, lambda s: request(s, b"")),
    "no length": (400, lambda s: request(s).replace(b"Content-Length", b"Content-Breadth")),
    "chunked": (
        200,
        lambda s: request(s, b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD), "Transfer-Encoding: chunked").replace(
            b"Content-Length", b"X-Length"
        ),
    ),
    "a length and chunks": (400, lambda s: request(s, b"0\r\n\r\n", "Transfer-Encoding: chunked")),
    "chunks and a length": (400, lambda s: request(s, b"0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked")),
    "two lengths": (400, lambda s: request(s, GOOD, "Content-Length: 1", f"Content-length: {len(GOOD)}")),
    "a blank before the colon": (200, lambda s: request(s, GOOD, "X-Other : 1")),
    "chunks after a blank": (200, lambda s: request(s, GOOD, "Transfer-Encoding : chunked")),
    "a folded line": (400, lambda s: request(s, GOOD, "X-Other: 1", " folded")),
    "a folded line with a colon": (200, lambda s: request(s, GOOD, "X-Other: 1", " folded: 2")),
    "a signed length": (400, lambda s: request(s, GOOD, f"Content-Length: +{len(GOOD)}")),
    "expects": (200, lambda s: request(s, GOOD, "Expect: 100-continue")),
    "expects wonders": (417, lambda s: request(s, GOOD, "Expect: wonders")),
    "the last one": (200, lambda s: request(s, GOOD, "Connection: close")),
    "HTTP/1.0": (200, lambda s: request(s, start=f"POST {s.path} HTTP/1.0")),
    "HTTP/9": (400, lambda s: request(s, start=f"POST {s.path} HTTP/9")),
    "doubled slashes": (200, lambda s: request(s, start=f"POST /api//{s.project_id}//envelope/ HTTP/1.1")),
    "another address": (404, lambda s: request(s, start=f"POST /api/{s.project_id}/unreal/ HTTP/1.1")),
    "another method": (405, lambda s: request(s, start=f"PUT {s.path} HTTP/1.1")),
    "a number too large": (404, lambda s: request(s, start=f"POST /api/{2**63}/envelope/ HTTP/1.1")),
    "a NUL in a header": (200, lambda s: request(s, GOOD, "X-Other: a\0b")),
    "no UTF-8 in a header": (200, lambda s: request(s, GOOD, "X-Other: \xff\xfe")),
    "no UTF-8 in the request id": (401, lambda s: request(s, GOOD, "X-Request-ID: \xff\xfe", auth=False)),
    "no UTF-8 in the address": (400, lambda s: request(s, start=f"POST {s.path}?\xff HTTP/1.1")),
    "a preflight": (204, lambda s: request(s, b"", "Origin: https://a.example", start=f"OPTIONS {s.path} HTTP/1.1")),
    "pipelined": (200, lambda s: request(s) + request(s)),
}  # fmt: skip


async def test_what_is_ordinary_is_answered_as_sanic_does_it(lane: Lane, sender: Sender) -> None:
    for name, (expected, make) in ORDINARY.items():
        (first, farewell), was_taken = await both_ways(lane, sender, make(sender))

        assert (name, status(first), status(farewell)) == (name, expected, 200), first
        assert was_taken, name


async def test_what_is_unusual_is_left_to_sanic(lane: Lane, sender: Sender) -> None:
    for name, (expected, make) in UNUSUAL.items():
        (first, *_), was_taken = await both_ways(lane, sender, make(sender))

        assert (name, status(first)) == (name, expected), first
        assert not was_taken, name


async def test_head_and_body_may_come_one_after_the_other(lane: Lane, sender: Sender) -> None:
    head, _, body = request(sender).partition(b"\r\n\r\n")
    answers, was_taken = await both_ways(lane, sender, head + b"\r\n\r\n", body)

    assert [status(answer) for answer in answers] == [200, 200]
    assert was_taken


async def test_a_request_may_come_byte_by_byte(lane: Lane, sender: Sender) -> None:
    whole = request(sender)
    answers, _ = await both_ways(lane, sender, *(whole[at : at + 1] for at in range(len(whole))))

    assert [status(answer) for answer in answers] == [200, 200]


async def test_one_after_another_on_a_connection_are_all_answered(lane: Lane, sender: Sender) -> None:
    async with connection(sender) as (reader, writer):
        for make, is_ordinary in [(END.replace(b"close", b"keep-alive"), False), (request(sender), True)] * 3:
            before = len(lane.taken)
            writer.write(make)
            assert status(await answered(reader)) == 200
            assert len(lane.taken) - before == is_ordinary


async def test_over_the_limit_all_headers_are_the_same(lane: Lane, start) -> None:  # type: ignore[no-untyped-def]
    sender: Sender = await start(rate_limit=3)
    for _ in range(3):
        await sender.event()
    (first, _), was_taken = await both_ways(lane, sender, request(sender))

    assert status(first) == 429
    assert b"X-Sentry-Rate-Limits: 20:error:project:rate_limit" in first
    assert was_taken


async def test_a_revoked_key_and_a_deleted_project_are_refused_alike(
    lane: Lane, sender: Sender, clock: FakeClock
) -> None:
    access = await sender.server.house.projects.by_public_key(sender.key)
    assert access
    await sender.server.house.projects.rotate_key(access.project, 0)
    clock.now += 1
    (revoked, _), _ = await both_ways(lane, sender, request(sender))
    await sender.server.house.projects.delete(access.project)
    (deleted, _), was_taken = await both_ways(lane, sender, request(sender))

    assert [status(revoked), status(deleted)] == [403, 403]
    assert b"revoked" in revoked
    assert b"deleted" in deleted
    assert was_taken


async def test_below_a_base_path(lane: Lane, start) -> None:  # type: ignore[no-untyped-def]
    sender: Sender = await start(base_url="http://bugs.example/bw")
    for path in (f"/bw{sender.path}", sender.path):
        (first, _), was_taken = await both_ways(lane, sender, request(sender, start=f"POST {path} HTTP/1.1"))
        assert status(first) == 200
        assert was_taken
    (first, _), was_taken = await both_ways(lane, sender, request(sender, start=f"POST /bwx{sender.path} HTTP/1.1"))
    assert status(first) == 404


@pytest.mark.parametrize(
    ("proxies", "address"), [("127.0.0.1", "203.0.113.9"), ("", "127.0.0.1"), ("10.0.0.0/8", "127.0.0.1")]
)
async def test_the_address_of_the_sender_is_found_behind_a_proxy(
    lane: Lane, start: Callable[..., object], proxies: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def take(self: Ingest, access: Access, arrivals: list[Arrival], dropped: object) -> list[Refusal]:
        seen.extend(arrival.remote_addr for arrival in arrivals)
        return []

    monkeypatch.setattr(Ingest, "take", take)
    sender = await start(trusted_proxies=proxies)  # type: ignore[misc]
    _, was_taken = await both_ways(lane, sender, request(sender, GOOD, "X-Forwarded-For: 198.51.100.1, 203.0.113.9"))

    assert seen == [address, address]
    assert was_taken


async def test_our_own_mistakes_are_logged_and_answered_alike(
    lane: Lane, sender: Sender, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Ingest, "take", broken)
    (first, farewell), was_taken = await both_ways(lane, sender, request(sender))

    assert (status(first), status(farewell)) == (500, 200)
    assert was_taken
    fast, slow = [record for record in caplog.records if "failed (request" in record.getMessage()]
    assert fast.msg == slow.msg
    assert fast.args[:2] == slow.args[:2]  # type: ignore[index]


async def test_what_takes_too_long_is_told_to_come_again_and_the_connection_ends(
    lane: Lane, start: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*given: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(Ingest, "take", stuck)
    monkeypatch.setattr("bugwatch.server.app.RESPONSE_TIMEOUT_S", 0.2)
    sender = await start()  # type: ignore[misc]
    (only,), was_taken = await both_ways(lane, sender, request(sender))

    assert status(only) == 429
    assert b"X-Sentry-Rate-Limits: 60::project:unavailable" in only
    assert b"connection: close" in only
    assert was_taken


async def test_who_never_reads_the_answer_is_let_go(
    lane: Lane, start: Callable[..., object], slow: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bugwatch.server.app.RESPONSE_TIMEOUT_S", 0.3)
    sender = await start()  # type: ignore[misc]
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(request(sender))
        await asyncio.sleep(0.1)
        lane.taken[0].pause_writing()  # as when its buffer is full
        slow.set()
        assert await answered(reader) == b""

    assert lane.taken[0]._answering is None


async def test_a_mistake_in_the_lane_itself_ends_the_connection(
    lane: Lane, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(STATUS_CODES, 401)
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(request(sender, auth=False))
        assert await answered(reader) == b""
    assert (await sender.event()).status_code == 200


async def test_the_rest_of_a_request_is_waited_for_by_sanic(
    lane: Lane, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bugwatch.server.ingest.fast_lane.PATIENCE_S", 0.05)
    whole = request(sender)
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(whole[:-10])
        await asyncio.sleep(0.2)
        assert budget().in_use > 0  # Sanic has it
        writer.write(whole[-10:])
        assert status(await answered(reader)) == 200

    assert lane.taken == []


@pytest.mark.parametrize("is_lane_closed", [False, True])
async def test_a_body_that_nobody_wanted_is_not_read_as_a_request(
    lane: Lane, sender: Sender, is_lane_closed: bool
) -> None:
    lane.is_closed = is_lane_closed
    smuggled = request(sender)
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(f"POST /nowhere HTTP/1.1\r\nContent-Length: {len(smuggled)}\r\n\r\n".encode())
        assert status(await answered(reader)) == 404
        writer.write(smuggled)
        await asyncio.sleep(0.05)
        writer.write(END)
        assert [status(await answered(reader)), await answered(reader)] == [200, b""]

    assert lane.taken == []
    assert await sender.totals() == {}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Nothing is stored before it is set."""
    gate = asyncio.Event()
    take = Ingest.take

    async def late(self: Ingest, *given: object) -> object:
        await gate.wait()
        return await take(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Ingest, "take", late)
    return gate


async def test_what_comes_while_a_request_is_at_the_door_is_answered_after_it(
    lane: Lane, sender: Sender, slow: asyncio.Event
) -> None:
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(request(sender))
        await asyncio.sleep(0.05)
        second = request(sender, b"not json" + b" " * 200_000)
        writer.write(second[:100_000])
        await writer.drain()
        await asyncio.sleep(0.05)
        slow.set()
        first = await answered(reader)
        writer.write(second[100_000:] + END)

        assert status(first) == 200
        assert [status(await answered(reader)), status(await answered(reader))] == [400, 200]
    assert len(lane.taken) == 1


async def test_who_hangs_up_is_stored_all_the_same_and_counts_as_memory_until_then(
    lane: Lane, sender: Sender, slow: asyncio.Event
) -> None:
    async with connection(sender) as (_, writer):
        writer.write(request(sender))
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    assert budget().in_use > 0
    slow.set()
    await asyncio.wait_for(lane.taken[0]._answering or asyncio.sleep(0), 10)

    assert budget().in_use == 0
    assert await sender.totals() == {"received": 1, "stored": 1}


async def test_a_request_at_the_door_is_no_idle_connection_when_we_stop(
    lane: Lane, sender: Sender, slow: asyncio.Event
) -> None:
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(request(sender))
        await asyncio.sleep(0.1)
        assert lane.taken[0].close_if_idle() is False
        slow.set()
        assert status(await answered(reader)) == 200
        assert lane.taken[0].close_if_idle() is True
        assert await answered(reader) == b""


async def test_who_does_not_read_is_not_written_to(lane: Lane, sender: Sender) -> None:
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(request(sender))
        assert status(await answered(reader)) == 200
        lane.taken[0].pause_writing()
        writer.write(request(sender))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
        lane.taken[0].resume_writing()
        assert status(await answered(reader)) == 200


async def test_the_ledger_adds_up_on_both_ways(lane: Lane, sender: Sender) -> None:
    for _ in range(2):
        await exchange(sender, request(sender, envelope(("event", error()))))
        await exchange(sender, request(sender))
        lane.is_closed = True

    assert len(lane.taken) == 2
    assert await sender.totals() == {"received": 4, "stored": 3, "duplicate": 1}
    other = await sender_of(sender.server, "Other")
    for lane.is_closed in (False, True):
        await exchange(other, request(sender, start=f"POST {other.path} HTTP/1.1"))
    await sender.server.house.ingest.book()
    [row] = await sender.rows("SELECT reason, count FROM refusals")
    assert (row["reason"], row["count"]) == ("forbidden", 2)
