"""`python -m tests.bench stages`: where the microseconds of an event go.

Each step of ingestion alone in this process, the best of many tries in CPU time; then the real server under the usual
load. What the steps leave unexplained of that is HTTP, the hand-over between threads, and waiting for each other.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bugwatch.domain import fingerprint
from bugwatch.domain.batch import Arrival, Batch, NewEvent, received
from bugwatch.domain.clock import now_ms
from bugwatch.domain.event import Event
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Category
from bugwatch.domain.project import Project
from bugwatch.domain.scrub import Scrubber
from bugwatch.protocol import encoding, envelope, event_payload
from bugwatch.protocol.event_scrub import EventScrubber
from bugwatch.protocol.event_tags import index_tags
from bugwatch.services.compression import SAMPLES, Compression
from bugwatch.services.digest import Digest
from bugwatch.services.pipeline import Pipeline
from bugwatch.storage import projects
from tests.bench import seed
from tests.bench.calibration import calibrate
from tests.bench.corpus import envelopes
from tests.bench.figures import Book, Column, Kind, Table, note
from tests.bench.ingest import SOURCE, USUAL, bodies_for, fresh, measure
from tests.bench.options import Options
from tests.bench.target import CORES

EVENTS = 200
TRIES = 20
BATCH = 32  # as many as there are connections in the usual load
BATCHES = 40
LIMIT = 10**7  # bytes of a body

T = TypeVar("T")


def run(book: Book, options: Options) -> None:
    table = Table("stages", (Column("CPU µs", Kind.CPU, 1), Column("share %")), book)
    bodies = bodies_for(USUAL.mix, options.seconds)
    for number in range(options.rounds):
        note(f"stages, round {number + 1}")
        calibration = calibrate(CORES[0])
        costs = asyncio.run(steps())
        with fresh(SOURCE) as target:
            whole = measure(target, USUAL, bodies, options.seconds).cpu_us
        costs["HTTP, threads, the rest"] = max(whole - sum(costs.values()), 0.0)
        for name, cost_us in {**costs, "an event in all": whole}.items():
            table.add(name, (cost_us, cost_us / whole * 100), calibration)
    table.show(f"one event of the usual load; digest in batches of {BATCH}")


async def steps() -> dict[str, float]:
    """µs of CPU per event of each step, in their order."""
    bodies = list(envelopes(EVENTS))
    raw = [encoding.decode(body, "gzip", limit=LIMIT) for body in bodies]
    payloads = [envelope.parse(one).items[0].payload for one in raw]
    scrubber = EventScrubber(Scrubber())
    clean = [scrubber.scrub(payload) for payload in payloads]
    events = [_skim(payload) for payload in clean]
    async with _rooms() as rooms:
        inside = {
            "scrub": cost(scrubber.scrub, payloads),
            "skim": cost(_skim, clean),
            "group": cost(fingerprint.group, events),
            "tags": cost(index_tags, events),
            "compress": cost(lambda payload: rooms.compression.compress(rooms.project.id, payload), clean),
        }
        pipeline = cost(rooms.draft, list(rooms.arrivals(EVENTS)))
        return {
            "expand": cost(lambda body: encoding.decode(body, "gzip", limit=LIMIT), bodies),
            "frame": cost(lambda one: envelope.parse(one).items[0].payload, raw),
            **inside,
            "rest of the pipeline": max(pipeline - sum(inside.values()), 0.0),
            "digest": await rooms.digesting(),
        }


def _skim(payload: bytes) -> Event:
    return event_payload.skim(payload, received_at=now_ms(), header_event_id="a" * 32)


class _Rooms:
    """What an event goes through behind the door, over a database of its own."""

    def __init__(self, digest: Digest, compression: Compression, project: Project) -> None:
        self._digest = digest
        self._pipeline = Pipeline(b"secret", compression)
        self._ids = Ids(now_ms)
        self.compression = compression
        self.project = project

    def arrivals(self, count: int) -> Iterator[Arrival]:
        for body in envelopes(count):
            parsed = envelope.parse(encoding.decode(body, "gzip", limit=LIMIT))
            yield Arrival(
                id=self._ids.next(),
                project_id=self.project.id,
                category=Category.ERROR,
                item_type="event",
                payload=parsed.items[0].payload,
                received_at=now_ms(),
                event_id=parsed.header.event_id or "",
            )

    def draft(self, arrival: Arrival) -> NewEvent:
        new = self._pipeline.finish(self._pipeline.read(arrival, self.project))
        assert isinstance(new, NewEvent)
        return new

    async def learn(self) -> None:
        """Until there is a dictionary."""
        for arrival in self.arrivals(SAMPLES):
            self.draft(arrival)
        await self.compression.settled()

    async def digesting(self) -> float:
        """µs of CPU per event of the digest, on all threads."""
        batches = [self._batch() for _ in range(BATCHES)]
        await self._digest.store(batches.pop())
        began = time.process_time()
        for batch in batches:
            await self._digest.store(batch)
        return (time.process_time() - began) / (len(batches) * BATCH) * 1e6

    def _batch(self) -> Batch:
        batch = Batch()
        for arrival in self.arrivals(BATCH):
            batch.add(self.draft(arrival))
            batch.bookings[received(arrival)] += 1
        return batch


@asynccontextmanager
async def _rooms() -> AsyncIterator[_Rooms]:
    with tempfile.TemporaryDirectory() as folder:
        async with seed.opened(Path(folder) / "bench.db") as opened:
            project_id = (await seed.projects(opened.db))[0]
            async with opened.db.read() as tx:
                project = await projects.get(tx, project_id)
            assert project
            rooms = _Rooms(opened.digest, opened.compression, project)
            await rooms.learn()
            yield rooms


def cost(step: Callable[[T], object], inputs: Sequence[T]) -> float:
    """µs of CPU per input, in the best of many tries."""
    best = float("inf")
    for _ in range(TRIES):
        began = time.process_time()
        for one in inputs:
            step(one)
        best = min(best, time.process_time() - began)
    return best / len(inputs) * 1e6
