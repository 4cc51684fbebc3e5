"""A client that keeps a number of connections busy: one request after another on each, over HTTP/1.1."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Load:
    """What came of it. `latencies` in seconds, one per answer; `answers` counts them by status."""

    latencies: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


async def blast(port: int, path: str, bodies: Iterator[bytes], connections: int, seconds: float) -> Load:
    """POST `bodies` until they or the time run out."""
    load = Load()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_keep_busy(port, path, bodies, began + seconds, load))
    load.seconds = time.perf_counter() - began
    return load


async def _keep_busy(port: int, path: str, bodies: Iterator[bytes], until: float, load: Load) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Encoding: gzip\r\nContent-Length: "
    writer: asyncio.StreamWriter | None = None
    while (sent := time.perf_counter()) < until and (body := next(bodies, None)):
        if writer is None:
            reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(_length(answer))
        load.latencies.append(time.perf_counter() - sent)
        load.answers[int(answer[9:12])] += 1
        if b"connection: close" in answer:
            writer.close()
            writer = None
    if writer:
        writer.close()


def _length(head: bytes) -> int:
    return int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
