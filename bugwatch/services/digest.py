"""The third room: one transaction that stores a batch and whatever it changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bugwatch.domain.batch import Batch, New, NewEvent, verdict
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Outcome
from bugwatch.services.compression import Compression
from bugwatch.storage import attachments, counters, event_keys, events, issues, ledger, raw_items, spool, transitions
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.event_keys import KnownKeys
from bugwatch.storage.issues import Turn
from bugwatch.storage.tag_values import TagValues


@dataclass(frozen=True, slots=True)
class Digested:
    """What a batch came to: the events that are new, in the order of their ids, and issues that took a turn."""

    fresh: list[NewEvent]
    turns: list[Turn]


class Digest:
    """Only one `store` runs at a time in a process: what it remembers between batches counts on that."""

    def __init__(self, db: Database, ids: Ids, compression: Compression) -> None:
        self._db = db
        self._ids = ids
        self._compression = compression
        self._known = KnownKeys()
        self._values = TagValues()

    async def start(self) -> None:
        """Learn what earlier processes stored."""
        self._known = await KnownKeys.load(self._db)
        await self._compression.load()

    async def stop(self) -> None:
        """Nothing is learnt any more."""
        self._known.close()
        await self._compression.settled()

    async def settled(self) -> None:
        """Wait for what is still being learnt in the background, some seconds where there are a million events."""
        await self._known.settled()

    async def store(self, batch: Batch) -> Digested:
        """Store the batch, all or nothing. When this returns, it is on disk."""
        digested, keys = await self._db.write(lambda tx: self._digest(tx, batch))
        self._known.stored(self._db, keys)
        return digested

    def forget(self) -> None:
        """After rows were removed that the memory may name."""
        self._values.forget()

    async def _digest(self, tx: Tx, batch: Batch) -> tuple[Digested, list[int]]:
        claimed, repeats = await event_keys.claim(tx, batch.events, self._known)
        fresh = sorted(claimed.values(), key=lambda event: event.id)
        found, new = await issues.find_or_create(tx, fresh, self._ids)
        placed = events.place(fresh, found, await self._values.number(tx, fresh))
        by_issue = issues.changes(placed, new)
        await counters.add_users(tx, by_issue)
        await events.insert(tx, placed, self._known.generation)
        await counters.add_tags(tx, by_issue)
        await counters.add_hours(tx, placed)
        files, known_files = await attachments.add(tx, batch.attachments)
        items, known_items = await raw_items.add(tx, batch.raw_items)
        await spool.remove(tx, batch.spool_ids)
        await spool.put(tx, batch.spooled)
        stored: list[New] = [*fresh, *files, *items]
        known: list[New] = [*repeats, *known_files, *known_items]
        bookings = Counter([verdict(new.arrival, Outcome.STORED) for new in stored])
        bookings.update([verdict(new.arrival, Outcome.DUPLICATE) for new in known])
        bookings.update(batch.bookings)
        await ledger.book(tx, bookings, self._db.instance)
        turns = await issues.touch(tx, by_issue)  # last: other instances wait for these rows
        await transitions.add(tx, turns, self._ids)
        return Digested(fresh, turns), list(claimed)
