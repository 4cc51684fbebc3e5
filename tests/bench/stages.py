"""`python -m tests.bench stages`: where the microseconds of an event go.

The steps of ingestion in this process, each for a set of events before the next one begins, as in the server, the best
of many tries; then the real server under the usual load. What the steps leave unexplained of that is HTTP, the
hand-over between threads, and that a server has less of it in the processor's cache.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import thread_time_ns as clock

from bugwatch.domain import fingerprint
from bugwatch.domain.batch import Arrival, Batch, NewEvent, received
from bugwatch.domain.clock import now_ms
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Category
from bugwatch.domain.project import Project
from bugwatch.domain.scrub import Scrubber
from bugwatch.protocol import encoding, envelope, event_payload
from bugwatch.protocol.event_scrub import EventScrubber
from bugwatch.protocol.event_tags import index_tags
from bugwatch.services.compression import SAMPLES, Compression
from bugwatch.services.digest import Digest
from bugwatch.services.pipeline import Pipeline, Work
from bugwatch.storage import projects
from tests.bench import seed
from tests.bench.calibration import calibrate
from tests.bench.corpus import envelopes
from tests.bench.figures import Book, Column, Kind, Table, note
from tests.bench.ingest import SOURCE, USUAL, bodies_for, fresh, measure
from tests.bench.options import Options
from tests.bench.target import CORES

SETS = 20
SET = 10  # as many as come in one turn of the server's loop under the usual load
EVENTS = SETS * SET
TRIES = 20
BATCH = 32  # as many as there are connections in the usual load
BATCHES = 40
LIMIT = 10**7  # bytes of a body
STEPS = ("expand", "frame", "scrub", "skim", "group", "tags", "compress")


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
    """µs per event of each step, in their order."""
    bodies = list(envelopes(EVENTS))
    async with _rooms() as rooms:
        walks = [rooms.walk(bodies) for _ in range(TRIES)]
        arrivals = list(rooms.arrivals(EVENTS))
        pipeline = min(_cpu_of(lambda: rooms.made(arrivals)) for _ in range(TRIES)) / EVENTS
        costs = dict(zip(STEPS, min(walks, key=sum), strict=True))
        inside = sum(costs[name] for name in STEPS[STEPS.index("scrub") :])
        return costs | {"rest of the pipeline": max(pipeline - inside, 0.0), "digest": await rooms.digesting()}


def _cpu_of(work: Callable[[], object]) -> float:
    """µs."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e6


class _Rooms:
    """What an event goes through behind the door, over a database of its own."""

    def __init__(self, digest: Digest, compression: Compression, project: Project) -> None:
        self._digest = digest
        self._pipeline = Pipeline(b"secret", compression)
        self._ids = Ids(now_ms)
        self._scrubber = EventScrubber(Scrubber())
        self.compression = compression
        self.project = project

    def walk(self, bodies: Sequence[bytes]) -> list[float]:
        """µs per event of each of STEPS."""
        marks = [self._steps(bodies[begin : begin + SET]) for begin in range(0, len(bodies), SET)]
        return [
            sum(mark[after] - mark[after - 1] for mark in marks) / len(bodies) / 1_000
            for after in range(1, len(marks[0]))
        ]

    def _steps(self, bodies: Sequence[bytes]) -> tuple[int, ...]:
        """When each of them began, and when the last one ended, in ns."""
        began = clock()
        raws = [encoding.decode(body, "gzip", limit=LIMIT) for body in bodies]
        expanded = clock()
        payloads = [envelope.parse(raw).items[0].payload for raw in raws]
        framed = clock()
        clean = [self._scrubber.scrub(payload) for payload in payloads]
        scrubbed = clock()
        events = [event_payload.skim(raw, received_at=now_ms(), header_event_id="a" * 32) for raw in clean]
        skimmed = clock()
        for event in events:
            fingerprint.group(event)
        grouped = clock()
        for event in events:
            index_tags(event)
        tagged = clock()
        for raw in clean:
            self.compression.compress(self.project.id, raw)
        return began, expanded, framed, scrubbed, skimmed, grouped, tagged, clock()

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

    def made(self, arrivals: Sequence[Arrival]) -> list[NewEvent]:
        """What the pipeline makes of them."""
        works = [Work(arrival, self.project) for arrival in arrivals]
        for begin in range(0, len(works), SET):
            self._pipeline.read(works[begin : begin + SET])
            self._pipeline.finish(works[begin : begin + SET])
        return [work.new for work in works if isinstance(work.new, NewEvent)]

    async def learn(self) -> None:
        """Until there is a dictionary."""
        self.made(list(self.arrivals(SAMPLES)))
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
        for event in self.made(list(self.arrivals(BATCH))):
            batch.add(event)
            batch.bookings[received(event.arrival)] += 1
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
