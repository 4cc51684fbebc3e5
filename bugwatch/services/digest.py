"""The third room: one transaction that stores a batch and whatever it changes."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.batch import Batch, NewEvent, verdicts
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Outcome
from bugwatch.services.compression import Compression
from bugwatch.storage import attachments, counters, event_keys, events, issues, ledger, raw_items, spool, transitions
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.event_keys import KnownKeys
from bugwatch.storage.issues import Touched
from bugwatch.storage.tag_values import TagValues


@dataclass(frozen=True, slots=True)
class Digested:
    """What a batch came to: the events that are new, and how their issues stand."""

    fresh: list[NewEvent]
    touched: list[Touched]


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

    async def store(self, batch: Batch) -> Digested:
        """Store the batch, all or nothing. When this returns, it is on disk."""
        digested, keys = await self._db.write(lambda tx: self._digest(tx, batch))
        self._known.stored(self._db, keys)
        return digested

    def forget(self) -> None:
        """After rows were removed that the memory may name."""
        self._values.forget()

    async def _digest(self, tx: Tx, batch: Batch) -> tuple[Digested, list[int]]:
        bookings = batch.bookings.copy()
        fresh, repeats = await event_keys.claim(tx, batch.events, self._known)
        found, new = await issues.find_or_create(tx, fresh.values(), self._ids)
        by_issue = issues.changes(fresh.values(), found, new)
        values = await self._values.number(tx, {tag for event in fresh.values() for tag in events.tags_of(event)})
        await events.insert(tx, fresh, found, values, self._known.generation)
        await counters.add_tags(tx, by_issue, values)
        await counters.add_users(tx, by_issue)
        await counters.add_hours(tx, by_issue, values)
        touched = await issues.touch(tx, by_issue, values)
        await transitions.add(tx, touched, self._ids)
        files, known_files = await attachments.add(tx, batch.attachments)
        items, known_items = await raw_items.add(tx, batch.raw_items)
        await spool.remove(tx, batch.spool_ids)
        await spool.put(tx, batch.spooled)
        for kept in (fresh.values(), files, items):
            bookings += verdicts((new.arrival for new in kept), Outcome.STORED)
        for known in (repeats, known_files, known_items):
            bookings += verdicts((new.arrival for new in known), Outcome.DUPLICATE)
        await ledger.book(tx, bookings, self._db.instance)
        return Digested(list(fresh.values()), touched), list(fresh)
