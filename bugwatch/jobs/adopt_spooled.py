"""Takes up events that an instance left in the spool and did not come back for."""

from __future__ import annotations

from bugwatch.domain.clock import MINUTE
from bugwatch.jobs.scheduler import Job
from bugwatch.services.house import House


class AdoptSpooled(Job):
    kind = "adopt_spooled"
    every = 5 * MINUTE  # as long as an instance may work on what it took

    async def run(self, house: House) -> None:
        house.ingest.look_into_spool()
