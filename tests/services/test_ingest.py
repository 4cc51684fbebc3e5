"""Gears, limits, poison: what is acknowledged is on disk, and what is not is counted."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bugwatch.domain.batch import Arrival, Batch
from bugwatch.domain.clock import MINUTE
from bugwatch.domain.errors import Unavailable
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.domain.project import Project
from bugwatch.domain.site import Site
from bugwatch.services import group_commit, ingest
from bugwatch.services.artifact_reader import ArtifactReader
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest, Digested
from bugwatch.services.ingest import Gear, Ingest, Room
from bugwatch.services.pipeline import Pipeline, Work
from bugwatch.services.projects import Access, Projects
from bugwatch.services.symbolication import Symbolication
from bugwatch.storage import ledger, spool
from bugwatch.storage.database import Database, Tx
from tests import make
from tests.conftest import FakeClock


@dataclass
class Disk:
    free: int = 10_000_000_000

    def __call__(self) -> int:
        return self.free


class SlowDigest(Digest):
    """A digest that can be made to wait, or to fail."""

    delay = 0.0
    fails: Exception | None = None

    async def store(self, batch: Batch) -> Digested:
        await asyncio.sleep(self.delay)
        if self.fails and batch.events:
            raise self.fails
        return await super().store(batch)


class PoisonPipeline(Pipeline):
    """A pipeline with a bug: it breaks on every event that says `poison`."""

    is_mended = False

    def read(self, works: Sequence[Work]) -> None:
        for work in works:
            if b"poison" in work.arrival.payload and not self.is_mended:
                work.error = KeyError("a bug of ours")
        super().read(works)


@dataclass
class Door:
    db: Database
    clock: FakeClock
    ingest: Ingest
    digest: SlowDigest
    pipeline: PoisonPipeline
    symbolication: Symbolication
    disk: Disk
    access: Access
    numbers: Counter[str] = field(default_factory=Counter)

    def arrival(self, value: str = "bad") -> Arrival:
        self.numbers["events"] += 1
        body = {"exception": {"values": [{"type": "ValueError", "value": value}]}}
        return make.arrival(self.access.project.id, self.clock.now, payload=json.dumps(body).encode())

    async def send(self, value: str = "bad", count: int = 1) -> list[str]:
        refused = await self.ingest.take(self.access, [self.arrival(value) for _ in range(count)])
        return [f"{r.outcome}:{r.reason}" for r in refused]

    async def totals(self) -> dict[str, int]:
        await self.ingest.book()
        async with self.db.read() as tx:
            found = await ledger.totals(tx, self.access.project.id, Category.ERROR)
        return {name: count for name, count in found.items() if count}

    async def settled(self) -> None:
        async with asyncio.timeout(10):
            await self.ingest.settled()

    def again(self) -> Ingest:
        """What a new process would be."""
        room = Room(0, 50_000, 1_000_000, self.disk)
        return Ingest(self.db, self.clock, self.pipeline, self.symbolication, self.digest, room)


@pytest.fixture
async def door(db: Database, clock: FakeClock) -> AsyncIterator[Door]:
    created = await Projects(db, clock, Site("http://localhost")).create("Shop")
    found = await Projects(db, clock, Site("http://localhost")).by_api_key(created.api_key)
    assert found
    compression = Compression(db)
    digest = SlowDigest(db, Ids(clock), compression)
    pipeline = PoisonPipeline(b"k" * 32, compression)
    disk = Disk()
    room = Room(rate_limit=0, spool_bytes=50_000, disk_floor=1_000_000, free_bytes=disk)
    symbolication = Symbolication(db, ArtifactReader())
    taking = Ingest(db, clock, pipeline, symbolication, digest, room)
    await taking.start()
    await taking.settled()
    yield Door(db, clock, taking, digest, pipeline, symbolication, disk, found)
    digest.fails, digest.delay = None, 0
    await taking.stop()


async def test_what_is_taken_is_stored_and_counted(door: Door) -> None:
    assert await door.send(count=3) == []
    assert await door.totals() == {"received": 3, "stored": 3}


@pytest.fixture
def sizes(door: Door, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each batch so far has held."""
    found: list[int] = []
    store = door.digest.store

    async def counting(batch: Batch) -> Digested:
        found.append(len(batch))
        return await store(batch)

    monkeypatch.setattr(door.digest, "store", counting)
    return found


async def test_many_at_once_share_their_commits(door: Door, sizes: list[int]) -> None:
    await asyncio.gather(*(door.send() for _ in range(200)))

    assert sum(sizes) == 200
    assert len(sizes) < 50


async def test_who_comes_during_a_commit_shares_the_next_with_those_it_answers(
    door: Door, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LINGER_S", 5)
    begun, go_on = asyncio.Event(), asyncio.Event()
    store = door.digest.store

    async def held(batch: Batch) -> Digested:
        begun.set()
        await go_on.wait()
        return await store(batch)

    async def send_twice() -> None:
        await door.send()
        await door.send()

    monkeypatch.setattr(door.digest, "store", held)
    early = [asyncio.create_task(send_twice()) for _ in range(2)]
    async with asyncio.timeout(4):
        await begun.wait()
        late = [asyncio.create_task(door.send()) for _ in range(2)]
        await asyncio.sleep(0.01)  # all that this loop has to do for them until the commit
        go_on.set()
        await asyncio.gather(*early, *late)

    assert sizes == [2, 4]


async def test_a_batch_is_never_larger_than_its_limit(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "LARGEST_BATCH", 16)
    await asyncio.gather(*(door.send() for _ in range(100)))

    assert await door.totals() == {"received": 100, "stored": 100}


async def test_when_commits_are_slow_events_are_spooled_and_digested_later(door: Door) -> None:
    door.digest.delay = 0.6
    sending = [asyncio.create_task(_later(seconds, door.send)) for seconds in (0, 0.01, 0.02)]
    await _until(lambda: door.ingest.gear is Gear.SPOOL)
    sending.append(asyncio.create_task(door.send("spooled")))
    await asyncio.sleep(0.01)
    assert door.ingest.spool_bytes > 0
    door.digest.delay = 0

    await asyncio.gather(*sending)
    await door.settled()

    assert door.ingest.gear is Gear.DIRECT
    assert await door.totals() == {"received": 4, "stored": 4}


async def test_what_a_process_left_in_the_spool_the_next_one_digests(door: Door) -> None:
    await door.ingest.stop()
    left = door.arrival()
    await door.db.write(lambda tx: spool.put(tx, [(left, None)]))
    assert await door.totals() == {"waiting": 1}

    following = door.again()
    await following.start()
    await following.settled()
    await following.stop()

    assert await door.totals() == {"stored": 1}  # its arrival is booked by whoever spooled it


async def test_a_poison_event_costs_itself_only_and_is_tried_again_after_an_upgrade(door: Door) -> None:
    assert await door.send("poison") == []
    assert await door.send() == []
    await door.settled()
    assert await door.totals() == {"received": 2, "stored": 1, "waiting": 1}
    async with door.db.read() as tx:
        assert (await spool.waiting(tx)).failed_count == 1

    await door.ingest.stop()
    door.pipeline.is_mended = True
    following = door.again()
    await following.start()
    await following.settled()
    await following.stop()

    assert await door.totals() == {"received": 2, "stored": 2}


async def test_poison_that_only_the_ledger_finds_costs_itself_only(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Digest.store

    async def breaks(self: Digest, batch: Batch) -> Digested:
        if any("poison" in event.title for event in batch.events):
            raise ValueError("a row that no table takes")
        return await store(self, batch)

    monkeypatch.setattr(Digest, "store", breaks)
    door.pipeline.is_mended = True
    await asyncio.gather(*(door.send("poison" if n == 3 else "good") for n in range(8)))
    await door.settled()

    assert await door.totals() == {"received": 8, "stored": 7, "waiting": 1}


async def test_poison_keeps_no_secret(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.send("poison password=hunter2")
    door.pipeline.is_mended = True
    door.digest.fails = ValueError("a row that no table takes")
    await door.send("password=hunter2")

    async with door.db.read() as tx:
        kept = await tx.all("SELECT raw FROM spool WHERE error IS NOT NULL")
    assert len(kept) == 2
    assert all(b"[Filtered]" in row["raw"] and b"hunter2" not in row["raw"] for row in kept)


async def test_what_was_refused_is_not_kept_with_the_poison_of_its_request(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(self: Digest, batch: Batch) -> Digested:
        if batch.events:
            raise ValueError("a row that no table takes")
        return await store(self, batch)

    store = Digest.store
    monkeypatch.setattr(Digest, "store", breaks)
    limited = Access(_with_limit(door.access.project, 1), None)
    refused = await door.ingest.take(limited, [door.arrival(), door.arrival()])

    assert [refusal.outcome for refusal in refused] == [Outcome.LIMITED]
    assert await door.totals() == {"received": 2, "limited": 1, "waiting": 1}


async def test_a_database_that_takes_nothing_is_unavailable_and_counts_nothing(door: Door) -> None:
    door.digest.fails = Unavailable("The disk is full.")
    with pytest.raises(Unavailable):
        await door.send()
    door.digest.fails = None

    assert await door.totals() == {}


async def test_a_disk_at_its_floor_sheds_until_there_is_space(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "WATCH_S", 0.01)
    door.disk.free = 10
    await door.ingest.look_around()
    assert door.ingest.gear is Gear.SHED
    assert await door.send() == ["limited:disk"]

    door.disk.free = 10_000_000
    await door.ingest.look_around()
    assert await door.send() == []
    assert await door.totals() == {"received": 2, "limited": 1, "stored": 1}


async def test_a_full_spool_sheds(door: Door) -> None:
    door.digest.delay = 0.6
    sending = [asyncio.create_task(_later(seconds, door.send)) for seconds in (0, 0.01)]
    await _until(lambda: door.ingest.gear is Gear.SPOOL)
    sending += [asyncio.create_task(door.send("x" * 20_000)) for _ in range(5)]
    await asyncio.sleep(0.01)
    door.digest.delay = 0

    assert door.ingest.gear is Gear.SHED
    assert await door.send() == ["limited:spool"]
    refused = [refusal for answer in await asyncio.gather(*sending) for refusal in answer]
    assert refused == ["limited:spool"] * 2
    await door.settled()
    assert await door.totals() == {"received": 8, "stored": 5, "limited": 3}


async def test_a_project_over_its_limit_is_told_when_to_come_again(door: Door, clock: FakeClock) -> None:
    limited = Access(_with_limit(door.access.project, 2), None)

    async def send() -> list[int]:
        return [refusal.retry_after for refusal in await door.ingest.take(limited, [door.arrival()])]

    assert [await send() for _ in range(3)] == [[], [], [30]]
    clock.now += MINUTE // 2
    assert await send() == []
    assert await door.totals() == {"received": 4, "limited": 1, "stored": 3}


async def test_what_is_invalid_is_no_part_of_what_a_limit_allows(door: Door) -> None:
    limited = Access(_with_limit(door.access.project, 1), None)
    broken = make.arrival(door.access.project.id, door.clock.now, payload=b"{nope")
    refused = await door.ingest.take(limited, [broken, door.arrival(), door.arrival()])

    assert [refusal.outcome for refusal in refused] == [Outcome.INVALID, Outcome.LIMITED]
    assert await door.totals() == {"received": 3, "invalid": 1, "limited": 1, "stored": 1}


async def test_the_files_of_an_event_over_the_limit_are_over_it_too(door: Door) -> None:
    limited = Access(_with_limit(door.access.project, 1), None)

    def file(event_id: str) -> Arrival:
        kind = {"category": Category.ATTACHMENT, "item_type": "attachment", "payload": b"a screenshot"}
        return make.arrival(door.access.project.id, door.clock.now, event_id=event_id, **kind)

    outcomes = []
    for event in (door.arrival(), door.arrival()):
        refused = await door.ingest.take(limited, [file(event.event_id), event])
        outcomes.append([(refusal.arrival.category, refusal.outcome, refusal.retry_after) for refusal in refused])

    wait = 60
    assert outcomes == [
        [],
        [(Category.ERROR, Outcome.LIMITED, wait), (Category.ATTACHMENT, Outcome.LIMITED, wait)],
    ]
    await door.ingest.book()
    async with door.db.read() as tx:
        found = await ledger.totals(tx, door.access.project.id, Category.ATTACHMENT)
    assert (found["received"], found["stored"], found["limited"]) == (2, 1, 1)


async def test_large_files_are_hashed_beside_the_loop(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []
    finish = Pipeline.finish

    def noting(self: Pipeline, works: Sequence[Work]) -> None:
        if works:
            threads.append(threading.current_thread() is threading.main_thread())
        finish(self, works)

    monkeypatch.setattr(Pipeline, "finish", noting)
    for size in (100, 5_000_000):
        kind = {"category": Category.ATTACHMENT, "item_type": "attachment", "payload": bytes(size)}
        await door.ingest.take(door.access, [make.arrival(door.access.project.id, door.clock.now, **kind)])

    assert threads == [True, False]


async def test_an_item_that_is_no_json_is_invalid(door: Door) -> None:
    broken = make.arrival(door.access.project.id, door.clock.now, payload=b"{nope")
    [refusal] = await door.ingest.take(door.access, [broken])

    assert refusal.outcome is Outcome.INVALID
    assert await door.totals() == {"received": 1, "invalid": 1}


async def test_who_hangs_up_is_let_go_once_what_he_sent_is_on_disk(door: Door) -> None:
    door.digest.delay = 0.1
    sending = asyncio.create_task(door.send())
    await asyncio.sleep(0.05)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    assert await door.totals() == {"received": 1, "stored": 1}


async def test_who_hangs_up_before_it_is_read_has_it_stored_too(door: Door) -> None:
    sending = asyncio.create_task(door.send())
    await asyncio.sleep(0)  # it has joined those of this turn
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    assert await door.totals() == {"received": 1, "stored": 1}


async def test_after_the_end_nothing_is_taken_and_nobody_waits_for_ever(door: Door) -> None:
    await door.ingest.stop()
    with pytest.raises(Unavailable):
        async with asyncio.timeout(5):
            await door.send()


async def test_a_database_that_goes_away_and_comes_back_is_looked_at_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    def gone() -> int:
        asked.set()
        raise ConnectionRefusedError("nobody listens there")

    monkeypatch.setattr(ingest, "WATCH_S", 0.01)
    door.ingest.room = replace(door.ingest.room, free_bytes=gone)
    await _until(asked.is_set)
    door.ingest.room = replace(door.ingest.room, free_bytes=lambda: 4_711)

    await _until(lambda: door.ingest.free_bytes == 4_711)


async def test_what_the_database_did_not_take_is_drained_as_soon_as_it_does(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "WATCH_S", 0.01)
    door.digest.fails = Unavailable("The disk is full.")
    door.digest.delay = 0.01
    await door.db.write(lambda tx: spool.put(tx, [(door.arrival(), None)]))
    door.ingest.look_into_spool()
    await asyncio.sleep(0.1)
    door.digest.fails = None

    await _until_stored(door)


async def test_the_spool_is_taken_in_portions_that_fit_in_memory(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.ingest.stop()
    monkeypatch.setattr(spool, "PORTION_BYTES", 250)
    waiting = [replace(door.arrival(), payload=b"x" * 100) for _ in range(7)]
    await door.db.write(lambda tx: spool.put(tx, [(arrival, None) for arrival in waiting]))

    portions = [await door.db.write(lambda tx, n=n: spool.take(tx, 5, n)) for n in range(4)]

    assert [len(portion) for portion in portions] == [3, 3, 1, 0]
    assert [arrival.id for portion in portions for arrival in portion] == [arrival.id for arrival in waiting]


async def test_what_another_instance_settled_meanwhile_is_not_booked_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [[door.arrival(), door.arrival()]]

    async def outlived(tx: Tx, limit: int, instance: int) -> list[Arrival]:
        return late.pop() if late else []

    monkeypatch.setattr(spool, "take", outlived)
    door.ingest.look_into_spool()
    await _until(lambda: not late)
    await door.settled()

    assert await door.totals() == {}


async def test_a_drain_that_fails_once_goes_on(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    take = spool.take
    tries: list[int] = []

    async def fails_once(tx: Tx, limit: int, instance: int) -> list[Arrival]:
        tries.append(limit)
        if len(tries) == 1:
            raise ConnectionRefusedError("nobody listens there")
        return await take(tx, limit, instance)

    monkeypatch.setattr(ingest, "WATCH_S", 0.01)
    monkeypatch.setattr(spool, "take", fails_once)
    left = door.arrival()
    await door.db.write(lambda tx: spool.put(tx, [(left, None)]))
    door.ingest.look_into_spool()

    await _until_stored(door)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


async def _until_stored(door: Door) -> None:
    async with asyncio.timeout(10):
        while True:
            if await door.totals() == {"stored": 1}:
                return
            await asyncio.sleep(0.01)


def _with_limit(project: Project, per_minute: int) -> Project:
    return replace(project, rate_limit=per_minute)


async def _later(seconds: float, call):  # type: ignore[no-untyped-def]
    await asyncio.sleep(seconds)
    return await call()
