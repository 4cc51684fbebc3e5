"""Issues change once, whoever asks and how often; and only those that the caller may change."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from bugwatch.domain.account import Caller
from bugwatch.domain.batch import Batch, received
from bugwatch.domain.clock import MINUTE
from bugwatch.domain.errors import Invalid, NotFound
from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.services.issues import AT_ONCE, Issues
from bugwatch.services.permissions import Permissions
from bugwatch.storage.database import Database
from tests import make
from tests.conftest import FakeClock


@dataclass
class Desk:
    """Alice, who owns one project with issues and does not see the other, and what she does."""

    db: Database
    clock: FakeClock
    alice: Caller
    issues: Issues
    digest: Digest
    mine: int
    foreign: int

    async def begin(self, project_id: int, *names: str) -> list[int]:
        """New issues; their ids."""
        batch = Batch()
        for name in names:
            event = make.event(project_id, self.clock.now, issue=name)
            batch.add(event)
            batch.bookings[received(event.arrival)] += 1
        return [turn.issue_id for turn in (await self.digest.store(batch)).turns]

    async def told(self) -> list[str]:
        async with self.db.read() as tx:
            return [row["kind"] for row in await tx.all("SELECT kind FROM transitions ORDER BY id")]


@pytest.fixture
async def desk(db: Database, clock: FakeClock) -> Desk:
    mine, foreign = await make.project(db, "mine"), await make.project(db, "foreign")
    ids = Ids(clock)
    digest = Digest(db, ids, Compression(db))
    return Desk(db, clock, await make.owner(db, mine), Issues(db, ids, Permissions(db)), digest, mine, foreign)


async def test_what_changed_is_told_with_the_way_back(desk: Desk) -> None:
    one, two, three = await desk.begin(desk.mine, "one", "two", "three")
    await desk.issues.set_status(desk.alice, [two], Status.IGNORED)

    before = await desk.issues.set_status(desk.alice, [one, two, three, two, 404], Status.RESOLVED)
    assert before == {one: Status.UNRESOLVED, two: Status.IGNORED, three: Status.UNRESOLVED}

    assert await desk.issues.set_status(desk.alice, [one, two, three], Status.RESOLVED) == {}
    assert await desk.issues.set_status(desk.alice, [two], before[two]) == {two: Status.RESOLVED}
    assert await desk.told() == ["new"] * 3 + ["ignored"] + ["resolved"] * 3 + ["ignored"]


async def test_two_who_resolve_at_once_ring_once(desk: Desk) -> None:
    [issue] = await desk.begin(desk.mine, "one")

    done = await asyncio.gather(
        *(desk.issues.set_status(desk.alice, [issue], Status.RESOLVED) for _ in range(5)),
    )

    assert sorted(map(len, done)) == [0, 0, 0, 0, 1]
    assert (await desk.told()).count("resolved") == 1


async def test_other_peoples_issues_are_left_alone(desk: Desk) -> None:
    [mine], [foreign] = await desk.begin(desk.mine, "one"), await desk.begin(desk.foreign, "one")

    assert set(await desk.issues.set_status(desk.alice, [mine, foreign], Status.RESOLVED)) == {mine}
    for call in (
        desk.issues.set_status(desk.alice, [foreign], Status.RESOLVED),
        desk.issues.set_status(desk.alice, [mine], Status.UNRESOLVED, desk.foreign),
        desk.issues.set_status(desk.alice, [], Status.RESOLVED),
        desk.issues.delete(desk.alice, foreign),
        desk.issues.delete(desk.alice, mine, desk.foreign),
    ):
        with pytest.raises(NotFound):
            await call


async def test_only_so_many_change_at_once(desk: Desk) -> None:
    [issue] = await desk.begin(desk.mine, "one")

    assert await desk.issues.set_status(desk.alice, [issue] * AT_ONCE, Status.RESOLVED)
    with pytest.raises(Invalid):
        await desk.issues.set_status(desk.alice, [issue] * (AT_ONCE + 1), Status.RESOLVED)


async def test_a_deleted_issue_lets_go_of_its_events_to_come(desk: Desk, clock: FakeClock) -> None:
    [issue] = await desk.begin(desk.mine, "one")

    await desk.issues.delete(desk.alice, issue)

    with pytest.raises(NotFound):
        await desk.issues.set_status(desk.alice, [issue], Status.RESOLVED)
    clock.now += MINUTE
    [again] = await desk.begin(desk.mine, "one")
    assert again != issue
    assert await desk.told() == ["new", "new"]
