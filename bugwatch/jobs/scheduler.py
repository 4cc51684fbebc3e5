"""The clock's door: runs what stands on this shelf, each job in its own time. One file is one job.

A job never overlaps itself, not even on two instances: a run claims its job for nearly one interval, and is stopped
where it takes longer; the next one goes on from what the database says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import ClassVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bugwatch import jobs, shelf
from bugwatch.domain.clock import SECOND
from bugwatch.services.house import House
from bugwatch.storage.jobs import claim

log = logging.getLogger(__name__)

# The part of an interval for which a run claims its job: clocks and timers are not exact.
CLAIMED = 0.9


class Job:
    """Something to do every `every` ms. Whatever `run` leaves undone, the next run finds."""

    kind: ClassVar[str] = ""
    every: ClassVar[int]

    async def run(self, house: House) -> None:
        raise NotImplementedError


@asynccontextmanager
async def running(house: House) -> AsyncIterator[None]:
    """All jobs of the shelf run as long as this is entered; on leaving, the one that runs is stopped."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    turns: set[asyncio.Task[None]] = set()

    async def turn(job: Job) -> None:
        # A task of our own: the scheduler does not wait for its tasks when it shuts down.
        task = asyncio.ensure_future(take_turn(job, house))
        turns.add(task)
        try:
            await asyncio.wait([task])
        finally:
            turns.discard(task)

    for found in shelf.discover(jobs, Job).values():
        job = found()
        scheduler.add_job(
            turn,
            IntervalTrigger(seconds=job.every / SECOND, timezone=UTC),  # an object: names are not found when frozen
            args=[job],
            id=job.kind,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
        for task in turns:
            task.cancel()
        await asyncio.gather(*turns, return_exceptions=True)


async def take_turn(job: Job, house: House) -> None:
    """Run the job once, unless another instance does. Whatever it raises is logged: the next run is not affected."""
    span = int(job.every * CLAIMED)
    until = house.clock() + span
    limit = asyncio.timeout(span / SECOND)
    try:
        if await house.db.write(lambda tx: claim(tx, job.kind, until)):
            async with limit:
                await job.run(house)
    except Exception:  # the scheduler must not die: the next turn tries again
        if limit.expired():
            log.debug("The job %s goes on in its next turn", job.kind)
        else:
            log.exception("The job %s failed", job.kind)
