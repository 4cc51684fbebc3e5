"""What comes in one turn of the event loop, done as a set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

LARGEST_SET = 32  # more gains nothing (measured), and would keep the loop from all else for longer


class Gathering(Generic[T]):
    """`work` is called with those who joined since the last time, in their order. It does not wait for any."""

    def __init__(self, work: Callable[[Sequence[T]], None]) -> None:
        self._work = work
        self._gathered: list[tuple[T, asyncio.Future[None]]] = []

    async def join(self, one: T) -> None:
        """Return once the work is done. Raises what it raised, as for all others of the set."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._run)  # after all who are ready now
        self._gathered.append((one, done))
        await done

    def _run(self) -> None:
        now, self._gathered = self._gathered[:LARGEST_SET], self._gathered[LARGEST_SET:]
        if self._gathered:
            asyncio.get_running_loop().call_soon(self._run)
        # Who hung up before was answered nothing and is promised nothing.
        waiting = [(one, done) for one, done in now if not done.done()]
        try:
            self._work([one for one, _ in waiting])
        except Exception as error:  # noqa: BLE001 - it is theirs who wait for it
            for _, done in waiting:
                done.set_exception(error)
        else:
            for _, done in waiting:
                done.set_result(None)
