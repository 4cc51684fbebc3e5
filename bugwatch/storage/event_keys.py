"""Which events are known already: the keys that make a repeat a repeat.

On SQLite the keys live in generations of 4,096, so that a batch writes to few pages (of 32 events: 45 pages in all
tables; 75 with generations of 16,384, and hundreds with one index over all), and a bit filter in memory says “surely
new” for nearly every fresh event, which then costs no read. On Postgres the generation is always 0 and the primary key
alone decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from bugwatch.domain.batch import NewEvent
from bugwatch.storage.database import Database, Reader, Tx

GENERATION = 4_096
BITS_PER_KEY = 12
SMALLEST_FILTER = 2**23  # bits: 1 MB
AT_A_TIME = 256  # keys to add while all others wait: a generation at once would keep them for 5 ms


def key_of(secret: bytes, project_id: int, event_id: bytes) -> int:
    """A 63-bit key of (project, event id). Keyed, because clients choose event ids."""
    digest = blake2b(event_id + project_id.to_bytes(8, "big"), digest_size=8, key=secret).digest()
    return int.from_bytes(digest, "big") >> 1


class KnownKeys:
    """The current generation, and the filter. One per process; only the digest changes it, and runs one at a time."""

    def __init__(self, generation: int = 0, in_generation: int = 0, *, is_sharing: bool = False) -> None:
        self.generation = generation
        self._in_generation = in_generation
        self._is_sharing = is_sharing  # Postgres: others write too, so the database alone knows
        self._filter: _Filter | None = None
        self._growing: _Filter | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def load(cls, db: Database) -> KnownKeys:
        """Where the last process left off. Until the filter is rebuilt, in the background, all is maybe known."""
        if db.dialect == "postgres":
            return cls(is_sharing=True)
        async with db.read() as tx:
            newest = await tx.value("SELECT COALESCE(MAX(generation), 0) FROM event_keys")
            count = await tx.value("SELECT COUNT(*) FROM event_keys WHERE generation = :newest", newest=newest)
        known = cls(newest, count)
        known._rebuild(db)
        return known

    def doubtful(self, keys: Iterable[int]) -> list[int]:
        """Those that may be stored already; the others surely are not (or, on Postgres, the insert will tell)."""
        if self._is_sharing:
            return []
        return list(keys) if self._filter is None else self._filter.among(keys)

    def stored(self, db: Database, keys: Sequence[int]) -> None:
        """Call it once the transaction that stored `keys` is durable."""
        if self._is_sharing:
            return
        for found in (self._filter, self._growing):
            if found:
                found.add(keys)
        self._in_generation += len(keys)
        if self._in_generation >= GENERATION:
            self.generation += 1
            self._in_generation = 0
        if self._filter and self._filter.is_full and (self._task is None or self._task.done()):
            self._rebuild(db)

    async def settled(self) -> None:
        """Wait for a rebuild that is under way."""
        if self._task:
            await self._task

    def close(self) -> None:
        if self._task:
            self._task.cancel()

    def _rebuild(self, db: Database) -> None:
        self._task = asyncio.ensure_future(self._fill(db))

    async def _fill(self, db: Database) -> None:
        async with db.read() as tx:
            count = await tx.value("SELECT COUNT(*) FROM event_keys")
        fresh = self._growing = _Filter(max(SMALLEST_FILTER, 2 * BITS_PER_KEY * count))
        for generation in range(self.generation + 1):
            async with db.read() as tx:
                rows = await tx.all("SELECT key FROM event_keys WHERE generation = :generation", generation=generation)
            for begin in range(0, len(rows), AT_A_TIME):
                fresh.add(row[0] for row in rows[begin : begin + AT_A_TIME])  # type: ignore[index]
                await asyncio.sleep(0)
        self._filter, self._growing = fresh, None


class _Filter:
    """Three bits a key: at 12 bits a key, 1 % of fresh keys are looked up in vain; right after it grew, 0.2 %."""

    def __init__(self, bits: int) -> None:
        self._mask = (1 << (bits - 1).bit_length()) - 1
        self._bits = bytearray((self._mask + 1) // 8)
        self._count = 0

    @property
    def is_full(self) -> bool:
        return self._count * BITS_PER_KEY > self._mask

    def among(self, keys: Iterable[int]) -> list[int]:
        """Those that it may hold."""
        bits, mask = self._bits, self._mask
        most_likely = [key for key in keys if bits[(key & mask) >> 3] >> (key & 7) & 1]  # spares most the closer look
        return [key for key in most_likely if all(bits[bit >> 3] >> (bit & 7) & 1 for bit in self._places(key))]

    def add(self, keys: Iterable[int]) -> None:
        for key in keys:
            for bit in self._places(key):
                self._bits[bit >> 3] |= 1 << (bit & 7)
            self._count += 1

    def _places(self, key: int) -> tuple[int, int, int]:
        step = key >> 32
        return key & self._mask, (key + step) & self._mask, (key + 2 * step) & self._mask


async def claim(tx: Tx, batch: Sequence[NewEvent], known: KnownKeys) -> tuple[dict[int, NewEvent], list[NewEvent]]:
    """The events that are new, by the key that they now hold, and those that are repeats.

    From here on nobody else can store the new ones, so nothing is counted twice, also between instances.
    """
    fresh: dict[int, NewEvent] = {}
    repeats: list[NewEvent] = []
    wanted: dict[int, NewEvent] = {}
    for event in batch:
        if event.key in wanted:
            repeats.append(event)  # twice in one batch
        else:
            wanted[event.key] = event
    while wanted:
        holders = await _find(tx, known.doubtful(wanted), known.generation)
        free = sorted(wanted.keys() - holders.keys())
        count = await tx.insert(
            """
            INSERT INTO event_keys (generation, key, id)
            VALUES :rows
            ON CONFLICT (generation, key) DO NOTHING""",
            [(known.generation, key, wanted[key].id) for key in free],
        )
        if count < len(free):  # another instance was first with some of them
            found = await _find(tx, free, known.generation)
            holders |= {key: holder for key, holder in found.items() if holder != wanted[key].id}
        fresh |= {key: wanted[key] for key in free if key not in holders}
        others = await _other_events(tx, {key: (wanted[key], holder) for key, holder in holders.items()})
        repeats += [wanted[key] for key in holders if key not in others]
        wanted = {key + 1: wanted[key] for key in others}  # two events, one hash: the next key is as good
    return fresh, repeats


async def find(tx: Reader, key: int) -> int | None:
    """The row id of the event that holds `key`, or None."""
    newest = await tx.value("SELECT COALESCE(MAX(generation), 0) FROM event_keys")
    return (await _find(tx, [key], newest)).get(key)


# CROSS: generation by generation, each a seek. Left to itself, SQLite reads all keys (at a million: 60 ms, not 0.05).
_FIND = """
    WITH RECURSIVE generations (n) AS (
        SELECT CAST(:newest AS bigint)
        UNION ALL
        SELECT n - 1 FROM generations WHERE n > 0)
    SELECT key, id
    FROM generations
    CROSS JOIN event_keys
    WHERE event_keys.generation = generations.n AND key IN :keys"""


async def _find(tx: Reader, keys: Sequence[int], newest: int) -> dict[int, int]:
    rows = await tx.among(_FIND, keys, newest=newest)
    return {row["key"]: row["id"] for row in rows}


async def _other_events(tx: Tx, held: dict[int, tuple[NewEvent, int]]) -> set[int]:
    """Those keys whose holder is another event. An evicted event has left its key behind: then it is a repeat."""
    rows = await tx.among(
        "SELECT id, project_id, event_id FROM events WHERE id IN :keys", [holder for _, holder in held.values()]
    )
    names = {row["id"]: (row["project_id"], bytes(row["event_id"])) for row in rows}
    return {
        key
        for key, (event, holder) in held.items()
        if holder in names and names[holder] != (event.project_id, event.event_id)
    }
