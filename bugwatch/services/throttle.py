"""Makes guessing slow: `domain/attempts.py` over the database, where a restart or a second instance changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.attempts import Patience
from bugwatch.domain.clock import SECOND
from bugwatch.domain.errors import RateLimited
from bugwatch.domain.secret import Secret
from bugwatch.storage import attempts
from bugwatch.storage.database import Database, Tx

Counted = tuple[Patience, str]


class Throttle:
    def __init__(self, db: Database, secret: Secret) -> None:
        self._db = db
        self._secret = secret

    async def enter(self, *counted: Counted) -> None:
        """Count an attempt for each of these, before it is known whether it is a good one: so a thousand that arrive at
        once are a thousand. Raises RateLimited, and counts nothing, while one of them has to wait."""

        async def work(tx: Tx) -> None:
            await attempts.forget(tx)
            for key, patience in self._keys(counted):
                wait = await attempts.wait(tx, key, patience)
                if wait:
                    seconds = -(-wait // SECOND)
                    raise RateLimited(f"Too many attempts. Try again in {_words(seconds)}.", seconds)

        await self._db.write(work)

    async def forgive(self, *counted: Counted) -> None:
        """It was the right person: what they failed before is forgotten."""

        async def work(tx: Tx) -> None:
            for key, _ in self._keys(counted):
                await attempts.forgive(tx, key)

        await self._db.write(work)

    async def take_back(self, *counted: Counted) -> None:
        """The last attempt was a good one. What failed before stays: an own account must not buy new guesses."""

        async def work(tx: Tx) -> None:
            for key, _ in self._keys(counted):
                await attempts.take_back(tx, key)

        await self._db.write(work)

    def _keys(self, counted: Sequence[Counted]) -> list[tuple[bytes, Patience]]:
        # Sorted, so that two attempts never wait for each other in a circle.
        return sorted(
            ((self._secret.mark(patience.name, value)[:16], patience) for patience, value in counted),
            key=lambda pair: pair[0],
        )


def _words(seconds: int) -> str:
    if seconds == 1:
        return "a second"
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
