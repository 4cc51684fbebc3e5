"""What leaves the house: deleted projects and issues, row by row, while events keep coming in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from bugwatch.services.sessions import ABSOLUTE, IDLE
from bugwatch.storage import leftovers, removal
from bugwatch.storage.database import Database, Reader, Tx

log = logging.getLogger(__name__)
T = TypeVar("T")

SLICE = 150  # rows a transaction: more makes the events that wait behind it late (measured: 200 is 31 ms at p99)
PAUSE_S = 0.01


class Retention:
    """`hash_key` is what keys the hashes of event ids: by them attachments are found."""

    def __init__(self, db: Database, hash_key: bytes) -> None:
        self._db = db
        self._hash_key = hash_key

    async def purge_deleted(self) -> None:
        """Remove all that is marked as deleted. May be stopped at any time; the next call goes on from there."""
        secret, shard = self._hash_key, self._db.instance
        while doomed := await self._ask(removal.next_issue):
            await self._in_slices(partial(removal.issue_slice, doomed=doomed, size=SLICE, secret=secret, shard=shard))
        while project_id := await self._ask(removal.next_project):
            await self._in_slices(partial(removal.project_slice, project_id=project_id, size=SLICE, shard=shard))
            log.info("Project %d is removed", project_id)

    async def sweep(self) -> None:
        """Remove sessions, links and invitations that have run out."""
        await self._db.write(lambda tx: leftovers.remove(tx, idle_since=tx.now - IDLE, made_before=tx.now - ABSOLUTE))

    async def _in_slices(self, work: Callable[[Tx], Awaitable[bool]]) -> None:
        """Run `work` until it says that nothing is left, with room for others in between."""
        while True:
            if not await self._db.write(work):
                return
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, question: Callable[[Reader], Awaitable[T]]) -> T:
        async with self._db.read() as tx:
            return await question(tx)
