"""Forgets what source maps said that are gone."""

from __future__ import annotations

from bugwatch.domain.clock import HOUR
from bugwatch.jobs.scheduler import Job
from bugwatch.services.house import House


class SweepPositions(Job):
    kind = "sweep_positions"
    every = HOUR

    async def run(self, house: House) -> None:
        await house.symbolication.sweep()
