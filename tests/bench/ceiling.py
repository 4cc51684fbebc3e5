"""`python -m tests.bench ceiling`: how fast the load itself is, driven at a server that only says yes.

A figure of another scenario that comes near this one says nothing about its server.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import cast

import uvloop

from tests.bench.calibration import calibrate
from tests.bench.corpus import made
from tests.bench.figures import Book, Column, Kind, Table
from tests.bench.ingest import USUAL
from tests.bench.load import HOST, blast
from tests.bench.options import Options
from tests.bench.target import CORES, on_the_other_core

BODIES = 5_000
SECONDS = 2.0
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class _Yes(asyncio.Protocol):
    """Answers a request when its last byte is in."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        if len(body) == int(head.rpartition(b": ")[2]):
            self._received = b""
            self._transport.write(YES)


def run(book: Book, options: Options) -> None:
    table = Table("ceiling", (Column("answered/s", Kind.RATE), Column("client µs", Kind.CPU, 1)), book)
    bodies = made(BODIES)
    for _ in range(options.rounds):
        calibration = calibrate(CORES[0])
        with yes_server() as port, on_the_other_core():
            load = uvloop.run(blast(port, "/", cycle(bodies), USUAL.connections, SECONDS))
        answered = load.answers[200]
        table.add("the load alone", (answered / load.seconds, load.cpu_s / answered * 1e6), calibration)
    table.show("what the client can drive from its core")


@contextmanager
def yes_server() -> Iterator[int]:
    """Its port."""
    with socket.create_server((HOST, 0)) as door:
        server = multiprocessing.get_context("fork").Process(target=_serve, args=(door,), daemon=True)
        server.start()
        try:
            yield door.getsockname()[1]
        finally:
            server.terminate()
            server.join()


def _serve(door: socket.socket) -> None:
    os.sched_setaffinity(0, CORES[:1])

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Yes, sock=door)
        await server.serve_forever()

    uvloop.run(serve())
