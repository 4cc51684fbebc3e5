"""A job runs in its time, never twice at once, and hurts nobody when it fails."""

from __future__ import annotations

import asyncio
import logging
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from bugwatch import jobs, shelf
from bugwatch.domain.clock import HOUR, SECOND
from bugwatch.jobs import scheduler
from bugwatch.jobs.scheduler import Job, running, take_turn
from bugwatch.services.house import House
from bugwatch.storage.database import Database
from tests.conftest import FakeClock


class Counted(Job):
    kind = "counted"
    every = HOUR

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, house: House) -> None:
        self.runs += 1


@pytest.fixture
def house(db: Database, clock: FakeClock) -> House:
    return cast("House", SimpleNamespace(db=db, clock=clock))


async def test_a_job_runs_once_in_its_time_whoever_asks(house: House, clock: FakeClock) -> None:
    job = Counted()
    await asyncio.gather(*(take_turn(job, house) for _ in range(5)))
    assert job.runs == 1

    clock.now += HOUR // 2
    await take_turn(job, house)
    assert job.runs == 1

    clock.now += HOUR // 2
    await take_turn(job, house)
    assert job.runs == 2


async def test_a_job_that_fails_is_logged_and_comes_again(
    house: House, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Counted):
        async def run(self, house: House) -> None:
            await super().run(house)
            raise ValueError("no luck")

    job = Failing()
    await take_turn(job, house)
    clock.now += HOUR
    await take_turn(job, house)

    assert job.runs == 2
    assert "The job counted failed" in caplog.text
    assert "no luck" in caplog.text


async def test_a_job_whose_own_wait_timed_out_has_failed(house: House, caplog: pytest.LogCaptureFixture) -> None:
    class Waiting(Counted):
        async def run(self, house: House) -> None:
            raise TimeoutError("the mail server")

    await take_turn(Waiting(), house)

    assert "the mail server" in caplog.text


async def test_a_job_that_takes_longer_than_its_time_is_stopped_and_goes_on_later(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    class Endless(Counted):
        every = 20

        async def run(self, house: House) -> None:
            await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING):
        await take_turn(Endless(), house)

    assert caplog.text == ""


async def test_what_runs_is_stopped_with_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    begun = asyncio.Event()

    class Slow(Job):
        kind = "slow"
        every = SECOND // 50

        async def run(self, house: House) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                events.append("stopped")

    monkeypatch.setattr(shelf, "discover", lambda package, base: {"slow": Slow})
    monkeypatch.setattr(scheduler, "CLAIMED", 500)
    async with running(house):
        await asyncio.wait_for(begun.wait(), 10)
        events.append("leaving")
        tasks = asyncio.all_tasks()
    assert events == ["leaving", "stopped"]
    assert all(task.done() for task in tasks - {asyncio.current_task()})


def test_every_job_on_the_shelf_has_a_name_and_a_time() -> None:
    found = shelf.discover(cast("ModuleType", jobs), Job)

    assert {"purge_deleted", "sweep", "adopt_spooled"} <= set(found)
    assert all(job.every >= SECOND for job in found.values())
