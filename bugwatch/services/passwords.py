"""Hashing passwords: argon2id, few at a time, off the event loop.

46 MiB and one pass is one of OWASP's equal choices. Two at once bound the memory at about 100 MB, however many people,
or machines, sign in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bugwatch.domain.errors import RateLimited
from bugwatch.domain.password import normal

T = TypeVar("T")

AT_ONCE = 2
WAITING = 100


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        # Costs as much to check as a real one, and fits nothing.
        self._nobodys = (
            f"$argon2id$v=19$m={self._hasher.memory_cost},t={self._hasher.time_cost},p={self._hasher.parallelism}"
            f"${'A' * 22}${'A' * 43}"
        )

    async def hash(self, password: str) -> str:
        """What to store. Raises RateLimited if too many wait for their turn."""
        return await self._take_turn(lambda: self._hasher.hash(normal(password)))

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed. Without a hash it works as hard, and is wrong."""

        def verify() -> bool:
            try:
                return self._hasher.verify(password_hash or self._nobodys, normal(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._take_turn(verify)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other costs than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    async def _take_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise RateLimited("Too many people are signing in at this moment. Try again in a few seconds.", 5)
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
