"""What comes in one turn of the event loop, done as a set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

LARGEST_SET = 32  # more gains nothing (measured), and would keep the loop from all else for longer


@dataclass(slots=True)
class _Joined(Generic[T]):
    one: T
    done: asyncio.Future[None]
    is_worked: bool = False


class Gathering(Generic[T]):
    """`work` is called with those who joined since the last time, in their order. It does not wait for any."""

    def __init__(self, work: Callable[[Sequence[T]], None]) -> None:
        self._work = work
        self._gathered: list[_Joined[T]] = []

    async def join(self, one: T) -> None:
        """Return once the work is done. Raises what it raised, as for all others of the set.

        Who is cancelled meanwhile is let go no sooner: then as well the work is done.
        """
        loop = asyncio.get_running_loop()
        joined = _Joined(one, loop.create_future())
        if not self._gathered:
            loop.call_soon(self._run)  # after all who are ready now
        self._gathered.append(joined)
        try:
            await joined.done
        except asyncio.CancelledError:
            if not joined.is_worked:
                joined.done = loop.create_future()  # the first one was cancelled with its sender
                await joined.done
            raise

    def _run(self) -> None:
        now, self._gathered = self._gathered[:LARGEST_SET], self._gathered[LARGEST_SET:]
        if self._gathered:
            asyncio.get_running_loop().call_soon(self._run)
        failed: Exception | None = None
        try:
            self._work([joined.one for joined in now])
        except Exception as error:  # noqa: BLE001 - it is theirs who wait for it
            failed = error
        for joined in now:
            joined.is_worked = True
            if joined.done.done():
                continue  # its sender hung up this very moment
            if failed:
                joined.done.set_exception(failed)
            else:
                joined.done.set_result(None)
