"""A client that drives a server over HTTP/1.1, light enough that one core does so faster than any server stores.

Without a pace each connection sends its next request as soon as the last was answered. With one, requests are due at
fixed instants; what waits for a free connection has waited since then, so that a slow server cannot hide.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from tests.bench.figures import percentile

HOST = "127.0.0.1"
HEADERS = (  # as sentry-sdk has them
    "Accept-Encoding: identity\r\nUser-Agent: sentry.python/2.46.0\r\nContent-Type: application/x-sentry-envelope\r\n"
)
LOST = 0  # stands for the status of a connection that broke
TICK_S = 0.001


@dataclass
class Load:
    """What came of it. `latencies` in seconds, one per answer; `answers` counts them by status. `cpu_s` is what the
    client used itself: near `seconds`, it was the client that was slow.
    """

    latencies: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0
    cpu_s: float = 0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return percentile(self.latencies, share) * 1000

    @classmethod
    def of(cls, loads: Sequence[Load]) -> Load:
        """Several that ran side by side, as one."""
        return cls(
            latencies=[latency for load in loads for latency in load.latencies],
            answers=sum((load.answers for load in loads), Counter()),
            seconds=max(load.seconds for load in loads),
            cpu_s=max(load.cpu_s for load in loads),  # they share a process, so each has measured all of it
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """So many requests a second, `burst` of them at a time."""

    rate: float
    burst: int = 1

    def due(self) -> Iterator[float]:
        """Seconds from the beginning, one per request."""
        return (number // self.burst * self.burst / self.rate for number in count())


@dataclass(frozen=True, slots=True)
class Answer:
    """`size` is that of the whole of it, in bytes."""

    status: int
    size: int
    is_last: bool


async def blast(
    port: int,
    path: str,
    bodies: Iterable[bytes],
    connections: int,
    seconds: float,
    *,
    encoding: str = "gzip",
    pace: Pace | None = None,
    is_split: bool = False,
) -> Load:
    """POST `bodies` until they or the time run out. `is_split` sends head and body apart, as urllib3 does."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n{HEADERS}Content-Encoding: {encoding}\r\nContent-Length: "
    run = _Run(head, iter(bodies), time.perf_counter() + seconds, pace, is_split)
    cpu, began = time.process_time(), time.perf_counter()
    gc.disable()
    try:
        await run.drive(port, connections)
    finally:
        gc.enable()
    run.load.seconds, run.load.cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return run.load


class _Run:
    """What the connections share: the work, the time that is left, and the book of answers."""

    def __init__(self, head: str, bodies: Iterator[bytes], until: float, pace: Pace | None, is_split: bool) -> None:
        self.head = head
        self.is_split = is_split
        self.load = Load()
        self._bodies = bodies
        self._until = until
        self._pace = pace
        self._due: deque[float] = deque()
        self._idle: list[_Connection] = []
        self._is_over = False

    async def drive(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: _Connection(self, port), HOST, port))[1] for _ in range(connections)
        ]
        if self._pace:
            await self._keep_pace(self._pace)
        await asyncio.gather(*(connection.done for connection in made))

    def take(self, connection: _Connection) -> tuple[bytes, float] | None:
        """The next body and since when it waits. None if there is none now: the connection is called when there is."""
        now = time.perf_counter()
        if now < self._until and (not self._pace or self._due):
            body = next(self._bodies, None)
            if body is not None:
                return body, self._due.popleft() if self._pace else now
            self._is_over = True
        if not self._pace or self._is_over:
            connection.finish()
        else:
            self._idle.append(connection)
        return None

    async def _keep_pace(self, pace: Pace) -> None:
        began = time.perf_counter()
        due = pace.due()
        at = began + next(due)
        while (now := time.perf_counter()) < self._until and not self._is_over:
            while at <= now:
                self._due.append(at)
                at = began + next(due)
            while self._due and self._idle:
                self._idle.pop().send_next()
            await asyncio.sleep(TICK_S)
        self._is_over = True
        for connection in self._idle:
            connection.finish()


class _Connection(asyncio.Protocol):
    """One after another. A server that closes it is called again; `done` when there is nothing left to send."""

    def __init__(self, run: _Run, port: int) -> None:
        self._run = run
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._since = 0.0
        self._is_waiting = False
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own does not say so
        self.send_next()

    def send_next(self) -> None:
        if taken := self._run.take(self):
            body, self._since = taken
            self._is_waiting = True
            head = f"{self._run.head}{len(body)}\r\n\r\n".encode()
            if self._run.is_split:
                self._transport.write(head)
                self._loop.call_soon(self._transport.write, body)
            else:
                self._transport.write(head + body)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if answer := answer_of(self._received):
            self._received = b""
            self._is_waiting = False
            self._run.load.latencies.append(time.perf_counter() - self._since)
            self._run.load.answers[answer.status] += 1
            if answer.is_last:
                self._transport.close()
            else:
                self.send_next()

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_waiting:
            self._run.load.answers[LOST] += 1
            self._is_waiting = False
        if not self.done.done():
            self._received = b""
            self._calling = self._loop.create_task(self._call_again())

    async def _call_again(self) -> None:
        try:
            await self._loop.create_connection(lambda: self, HOST, self._port)
        except OSError:
            self.finish()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        self._transport.close()


def answer_of(received: bytes) -> Answer | None:
    """The answer that was received, None while some of it is missing."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    size = end + 4 + int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    if len(received) < size:
        return None
    return Answer(int(head[9:12]), size, b"connection: close" in head)
