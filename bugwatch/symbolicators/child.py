"""The process in which artifacts are parsed: a broken or hostile one ends it, and nothing else.

It reads requests from its standard input, answers on its standard output, and ends when the input does. Linux kills it
first when memory runs out; beyond its own limits it dies by itself. Its other end is services/artifact_reader.py.

A kind of artifact is one file beside this one: a class that extends `Symbolicator`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, ClassVar

import msgspec

from bugwatch import shelf, symbolicators
from bugwatch.domain.limits import MIB
from bugwatch.domain.symbolication import Position

# Measured: a dense map of 20 MB with its 9 MB of code takes 2.6 s and 870 MB of address space, without the code 1 s and
# 260 MB.
MEMORY_BYTES = 1024 * MIB
CPU_S = 20
KEPT_BYTES = 64 * MIB  # of artifacts, as they came; what is parsed of them is a fraction
VERB = "parse-artifacts"  # packaging/pyinstaller/entry.py: the packed program is its own child
PR_SET_PDEATHSIG = 1


class Unusable(Exception):
    """The artifact is broken."""


Lookup = Callable[[int, int], Position | None]


class Symbolicator:
    """How one kind of artifact is read."""

    kind: ClassVar[str] = ""

    def open(self, code: bytes, artifact: bytes) -> Lookup:
        """What finds positions by (line, column), both from 1. Either may be empty. Raises Unusable."""
        raise NotImplementedError


class Request(msgspec.Struct, array_like=True):
    """`spots` of the artifact `key`. Without `content` (code and artifact) it must be known from before."""

    kind: str
    key: bytes
    spots: list[tuple[int, int]]
    content: tuple[bytes, bytes] | None = None


class Response(msgspec.Struct, array_like=True):
    """What was found for each of the spots. `is_known` False: send the content; `is_broken`: it was of no use."""

    found: list[Position | None]
    is_known: bool = True
    is_broken: bool = False


class Reader:
    """Parses what it is sent, and keeps the last few."""

    def __init__(self) -> None:
        self._kinds = {kind: found() for kind, found in shelf.discover(symbolicators, Symbolicator).items()}
        self._open: OrderedDict[bytes, tuple[Lookup | None, int]] = OrderedDict()

    def answer(self, request: Request) -> Response:
        if request.content is not None:
            self._keep(request.key, *request.content, self._kinds[request.kind])
        if request.key not in self._open:
            return Response([], is_known=False)
        self._open.move_to_end(request.key)
        lookup, _ = self._open[request.key]
        if lookup is None:
            return Response([], is_broken=True)
        return Response([lookup(line, column) for line, column in request.spots])

    def _keep(self, key: bytes, code: bytes, artifact: bytes, kind: Symbolicator) -> None:
        size = len(code) + len(artifact)
        while self._open and size + sum(kept for _, kept in self._open.values()) > KEPT_BYTES:
            self._open.popitem(last=False)
        try:
            self._open[key] = kind.open(code, artifact), size
        except Unusable:
            self._open[key] = None, 0


def receive(stream: BinaryIO) -> bytes:
    """The next message; empty at the end of the stream."""
    size = int.from_bytes(stream.read(4), "big")
    return stream.read(size)


def send(stream: BinaryIO, message: bytes) -> None:
    stream.write(len(message).to_bytes(4, "big") + message)
    stream.flush()


def confine(parent: int) -> None:
    """Bound what this process may take, and bind its life to its parent's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()  # it died before the line above
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    except OSError:
        pass  # not on Linux, or not allowed: then the kernel chooses


def allow_cpu(seconds: int) -> None:
    """From here on this process may compute that long, then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:
    """Serve until the input ends. The last argument is the parent's process id."""
    confine(int(sys.argv[-1]))
    reader = Reader()
    decode = msgspec.msgpack.Decoder(Request).decode
    try:
        while message := receive(sys.stdin.buffer):
            allow_cpu(CPU_S)
            send(sys.stdout.buffer, msgspec.msgpack.encode(reader.answer(decode(message))))
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)  # an end like those of what is not written in Python
