"""Removes sessions, links and invitations that have run out."""

from __future__ import annotations

from bugwatch.domain.clock import HOUR
from bugwatch.jobs.scheduler import Job
from bugwatch.services.house import House


class Sweep(Job):
    kind = "sweep"
    every = HOUR

    async def run(self, house: House) -> None:
        await house.retention.sweep()
