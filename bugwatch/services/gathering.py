"""What comes in one turn of the event loop, done as a set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bugwatch.services.settling import Settling

T = TypeVar("T")

LARGEST_SET = 32  # more gains nothing (measured), and would keep the loop from all else for longer


class Gathering(Generic[T]):
    """`work` is called with those who joined since the last time, in their order. It has each of them settled, now or
    later; what it raises settles them all."""

    def __init__(self, work: Callable[[Sequence[T]], None]) -> None:
        self._work = work
        self._gathered: list[tuple[T, Settling]] = []

    def join(self, one: T, settling: Settling) -> None:
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._run)  # after all who are ready now
        self._gathered.append((one, settling))

    def _run(self) -> None:
        now, self._gathered = self._gathered[:LARGEST_SET], self._gathered[LARGEST_SET:]
        if self._gathered:
            asyncio.get_running_loop().call_soon(self._run)
        try:
            self._work([one for one, _ in now])
        except Exception as error:  # noqa: BLE001 - it is theirs who wait for it
            for _, settling in now:
                settling.settle(error)
