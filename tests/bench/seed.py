"""A database as after two weeks of work: events of many issues, a few of them loud, stored by the digest itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec
import zstandard

from bugwatch import resources
from bugwatch.domain.batch import Arrival, Batch, NewEvent, received
from bugwatch.domain.clock import DAY, HOUR, Clock, now_ms
from bugwatch.domain.event import Level
from bugwatch.domain.ids import Ids, first_id_at
from bugwatch.domain.outcome import Category
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.event_keys import key_of
from bugwatch.storage.migrate import load, migrate
from bugwatch.storage.projects import add, add_organization
from bugwatch.storage.sqlite import SqliteDatabase
from tests.bench.figures import note

SPAN = 14 * DAY
BATCH = 500
PROJECTS = 20
FEWEST_ISSUES = 500
# How many values each tag has; the last one is never the same twice in a while.
TAGS = {"browser": 8, "os": 6, "device": 40, "runtime": 4, "server_name": 12, "url": 300, "locale": 15, "cart": 50_000}
WORDS = ("cart", "order", "user", "price", "payment", "session", "stock", "basket", "invoice", "coupon")


@dataclass
class Watch:
    """A clock that shows what it was set to, in ms since 1970."""

    at: int

    def __call__(self) -> int:
        return self.at


@dataclass
class Seed:
    """What makes events: the same ones for the same `issue_count`. Half of the issues belong to the first project."""

    db: Database
    digest: Digest
    project_ids: list[int]
    issue_count: int
    until: int

    def __post_init__(self) -> None:
        self._random = random.Random(1)
        self._weights = [1 / (rank + 3) for rank in range(self.issue_count)]  # Zipf
        self._payloads = [self._payload(n) for n in range(200)]
        self._made = 0

    async def store(self, event_count: int, watch: Watch) -> None:
        """So many events, evenly over the last two weeks; the watch shows when each batch is stored."""
        start = self.until - SPAN
        for first in range(0, event_count, BATCH):
            times = [start + SPAN * n // event_count for n in range(first, min(first + BATCH, event_count))]
            watch.at = times[-1]
            await self.digest.store(self.batch(times))

    def batch(self, times: list[int]) -> Batch:
        """An event for each of `times`."""
        batch = Batch()
        for event in self._events(times):
            batch.add(event)
            batch.bookings[received(event.arrival)] += 1
        return batch

    def _events(self, times: list[int]) -> Iterator[NewEvent]:
        for at, number in zip(
            times, self._random.choices(range(self.issue_count), self._weights, k=len(times)), strict=True
        ):
            yield self._event(at, number)

    def _event(self, at: int, number: int) -> NewEvent:
        self._made += 1
        project_id = self.project_ids[0 if number % 2 else number // 2 % len(self.project_ids)]
        event_id = blake2b(b"%d %d" % (self._made, at), digest_size=16).digest()
        environment = self._random.choice(("production", "production", "production", "staging", "development"))
        release = f"shop@1.{(at - self.until + SPAN) // (12 * HOUR)}.0"
        user = self._random.randrange(20_000)
        tags = [(key, f"{key} {self._random.randrange(values)}") for key, values in TAGS.items()]
        word = WORDS[number % len(WORDS)]
        return NewEvent(
            arrival=Arrival(
                id=first_id_at(at) + self._made % 16 * 8,
                project_id=project_id,
                category=Category.ERROR,
                item_type="event",
                payload=b"",
                received_at=at,
                event_id=event_id.hex(),
            ),
            key=key_of(b"seed", project_id, event_id),
            event_id=event_id,
            issue_hashes=(blake2b(b"issue %d" % number, digest_size=16).digest(),),
            hash_version=1,
            happened_at=at - self._random.randrange(2_000),
            level=self._random.choice((Level.ERROR, Level.ERROR, Level.WARNING, Level.FATAL)),
            title=f"{word.title()}Error: the {word} {number} is not what it should be",
            title_type=f"{word.title()}Error",
            culprit=f"shop.{word}.views in handle_{number}",
            platform="python",
            is_unhandled=number % 3 == 0,
            environment=environment,
            release=release,
            tags=(("environment", environment), ("release", release), ("level", "error"), *tags),
            user_id=user,
            user_label=f"user{user}@example.com",
            dictionary_id=0,
            data=self._payloads[self._made % len(self._payloads)],
        )

    def _payload(self, number: int) -> bytes:
        """Random enough that it stays at about 800 bytes."""
        noise = [self._random.randbytes(12).hex() for _ in range(55)]
        body = {"platform": "python", "message": f"payload {number}", "extra": {"noise": noise}}
        return zstandard.ZstdCompressor().compress(msgspec.json.encode(body))


def file(folder: Path, event_count: int) -> Path:
    """A database of so many events in this folder; the one that is there, or a new one."""
    path = folder / f"bench-{event_count}.db"
    if not path.exists():
        note(f"storing {event_count:,} events")
        asyncio.run(_fill(path, event_count))
    return path


async def _fill(path: Path, event_count: int) -> None:
    unfinished = path.with_suffix(".part")
    until = now_ms()
    watch = Watch(until - SPAN)
    async with opened(unfinished, watch) as new:
        seed = Seed(new.db, new.digest, await projects(new.db), max(FEWEST_ISSUES, event_count // 100), until)
        await seed.store(event_count, watch)
    unfinished.rename(path)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file and what stores into it."""

    db: SqliteDatabase
    compression: Compression
    digest: Digest


@asynccontextmanager
async def opened(path: Path, clock: Clock = now_ms) -> AsyncIterator[Opened]:
    """The file with the newest schema."""
    db = await SqliteDatabase.open(path, clock)
    await migrate(db, load(resources.migrations(), db.dialect))
    compression = Compression(db)
    digest = Digest(db, Ids(clock), compression)
    await digest.start()
    try:
        yield Opened(db, compression, digest)
    finally:
        await digest.stop()
        await db.close()


async def projects(db: Database) -> list[int]:
    """The ids of `PROJECTS` new projects of one organization."""

    async def work(tx: Tx) -> list[int]:
        home = await add_organization(tx, "bench", "Bench")
        return [(await add(tx, home, f"shop-{n}", f"Shop {n}", "python")).id for n in range(PROJECTS)]

    return await db.write(work)
