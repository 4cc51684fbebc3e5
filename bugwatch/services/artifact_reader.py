"""Reads artifacts in a child process (`symbolicators/child.py`), which is started when needed and ended when it rests.

What kills the child, by memory or by time, is that artifact's verdict. One request at a time: there is one child.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from bugwatch.domain.errors import Unavailable
from bugwatch.domain.symbolication import Position, Verdict
from bugwatch.symbolicators.child import VERB, Request, Response

log = logging.getLogger(__name__)

IDLE_S = 30.0
WAIT_S = 60.0  # by the clock; the child's own limit is on what it computes
LAST_WORDS_S = 0.5

Spot = tuple[int, int]
Content = tuple[bytes, bytes]


class ArtifactReader:
    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._rest: asyncio.TimerHandle | None = None

    async def resolve(
        self, kind: str, key: bytes, spots: Sequence[Spot], load: Callable[[], Awaitable[Content]]
    ) -> list[Position | None] | Verdict:
        """What the artifact `key` says of each spot, or why it is of no use: MAP_BROKEN or TOO_LARGE.

        `load` fetches (code, artifact), and is asked only if the child does not know them any more. Raises Unavailable
        if there is no child to be had.
        """
        async with self._turn:
            try:
                response = await self._remembered(Request(kind, key, list(spots)))
                if not response.is_known:
                    code, artifact = await load()
                    response = await self._learn(Request(kind, key, list(spots), (code, artifact)))
            except _Died:
                return Verdict.TOO_LARGE
            finally:
                self._let_rest()
        return Verdict.MAP_BROKEN if response.is_broken else response.found

    async def stop(self) -> None:
        """End the child, if there is one. The next request starts another."""
        if self._rest:
            self._rest.cancel()
        await self._end()

    async def _remembered(self, request: Request) -> Response:
        """What the child says without the content. If it was killed while it rested, that is nobody's verdict."""
        try:
            return await self._ask(request)
        except _Died:
            return Response([], is_known=False)

    async def _learn(self, request: Request) -> Response:
        try:
            return await self._ask(request)
        except _Died:
            code, artifact = request.content or (b"", b"")
            if not (code and artifact):
                raise
            # The code only tells the names of functions, at three times the price: then without them.
            return await self._ask(Request(request.kind, request.key, request.spots, (b"", artifact)))

    async def _ask(self, request: Request) -> Response:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        message = msgspec.msgpack.encode(request)
        try:
            async with asyncio.timeout(WAIT_S):
                process.stdin.write(len(message).to_bytes(4, "big"))
                process.stdin.write(message)
                await process.stdin.drain()
                size = int.from_bytes(await process.stdout.readexactly(4), "big")
                return msgspec.msgpack.decode(await process.stdout.readexactly(size), type=Response)
        except BaseException as error:
            # Also when nobody waits any more: what it would answer now would be taken for the next one's.
            is_alive = process.returncode is None and isinstance(error, TimeoutError)
            status = await self._end()
            if not isinstance(error, (OSError, TimeoutError, asyncio.IncompleteReadError)):
                raise
            if status < 0 or is_alive:
                log.warning("A source map was too much for the process that reads it (%d)", status)
                raise _Died from None
            raise Unavailable(f"The process that reads source maps does not work: it ended with {status}.") from None

    async def _running(self) -> Process:
        if self._rest:
            self._rest.cancel()
        if self._process is None or self._process.returncode is not None:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *command(), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True
                )
            except OSError as error:
                raise Unavailable(f"The process that reads source maps does not start: {error}") from None
        return self._process

    def _let_rest(self) -> None:
        if self._process:
            self._rest = asyncio.get_running_loop().call_later(IDLE_S, self._close)

    def _close(self) -> None:
        """It ends by itself when its input does."""
        process, self._process = self._process, None
        if process and process.stdin:
            process.stdin.close()

    async def _end(self) -> int:
        """End it now; what it ended with: less than 0 for a signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.stdin:
            process.stdin.close()
        try:
            # It ends with its input; and what dies by itself is given the moment to say of what.
            async with asyncio.timeout(LAST_WORDS_S):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()


class _Died(Exception):
    """The child is gone, and with it the answer."""


def command() -> list[str]:
    """What starts a child of this very program, also of a packed one."""
    if getattr(sys, "frozen", False):
        return [sys.executable, VERB, str(os.getpid())]
    return [sys.executable, "-c", "from bugwatch.symbolicators import child; child.main()", str(os.getpid())]
