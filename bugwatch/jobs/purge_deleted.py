"""Removes what was deleted: it was marked at once, its rows go here, in small slices."""

from __future__ import annotations

from bugwatch.domain.clock import MINUTE
from bugwatch.jobs.scheduler import Job
from bugwatch.services.house import House


class PurgeDeleted(Job):
    kind = "purge_deleted"
    every = MINUTE

    async def run(self, house: House) -> None:
        await house.retention.purge_deleted()
