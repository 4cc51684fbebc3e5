"""A client that keeps a number of connections busy: one request after another on each, over HTTP/1.1."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of it. `latencies` in seconds, one per answer; `answers` counts them by status."""

    latencies: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


async def blast(host: str, port: int, path: str, bodies: Iterator[bytes], connections: int, seconds: float) -> Load:
    """POST `bodies` until they or the time run out."""
    load = Load()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_keep_busy(host, port, path, bodies, began + seconds, load))
    load.seconds = time.perf_counter() - began
    return load


async def _keep_busy(host: str, port: int, path: str, bodies: Iterator[bytes], until: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Encoding: gzip\r\nContent-Length: "
    while (sent := time.perf_counter()) < until and (body := next(bodies, None)):
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(answer))
        load.latencies.append(time.perf_counter() - sent)
        load.answers[int(answer[9:12])] += 1
    writer.close()


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
