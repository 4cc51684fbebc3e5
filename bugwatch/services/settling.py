"""Somebody waits for something, and is let go no sooner, also where they are cancelled meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Settling:
    """What one awaits and another one settles, both on the same loop."""

    __slots__ = ("_future", "_is_settled")

    def __init__(self) -> None:
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_settled = False

    def settle(self, error: Exception | None = None) -> None:
        """It is done, or has failed. Only the first word counts."""
        if self._is_settled:
            return
        self._is_settled = True
        if self._future.done():
            return  # cancelled this very moment
        if error:
            self._future.set_exception(error)
        else:
            self._future.set_result(None)

    async def settled(self) -> None:
        """Return once it is settled, or raise what it was settled with. Who is cancelled hears of that only then."""
        try:
            await self._future
        except asyncio.CancelledError:
            if not self._is_settled:
                self._future = asyncio.get_running_loop().create_future()  # the first one was cancelled with its waiter
                with suppress(Exception):
                    await self._future
            raise
