"""Removes uploads that are old, too much, or nobody's, and takes up again what a stop interrupted."""

from __future__ import annotations

from bugwatch.domain.clock import MINUTE
from bugwatch.jobs.scheduler import Job
from bugwatch.services.house import House


class CleanArtifacts(Job):
    kind = "clean_artifacts"
    every = 10 * MINUTE

    async def run(self, house: House) -> None:
        await house.artifacts.resume()
        await house.artifacts.clean_up()
