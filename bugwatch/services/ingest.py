"""The door's side of the ledger: takes items, and returns once their fate is on disk.

Three gears, chosen by load. *Direct* digests before the answer. *Spool* makes the raw bytes durable before the answer
and digests them a moment later: from when the oldest queued item has waited `SPOOL_AFTER_S`, until the spool is empty
or nothing has waited that long for `CALM_S`. (To wait for the empty spool alone would be a trap: spooling costs each
event two transactions, so a load that one hiccup sent there could keep us there for good.)
*Shed* refuses with a 429: while the spool is over its budget or the disk under its floor. SDKs never repeat a 5xx.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bugwatch.domain.batch import Arrival, New, received, verdict
from bugwatch.domain.clock import Clock, hour_of
from bugwatch.domain.errors import BugwatchError, Rejected, Unavailable
from bugwatch.domain.event import Event
from bugwatch.domain.outcome import Booking, Category, Outcome
from bugwatch.domain.project import Project
from bugwatch.domain.quota import Buckets
from bugwatch.services.digest import Digest
from bugwatch.services.group_commit import GroupCommit, Measured, Ticket
from bugwatch.services.pipeline import Draft, Pipeline
from bugwatch.services.projects import Access
from bugwatch.services.symbolication import Symbolication
from bugwatch.storage import ledger, projects, spool
from bugwatch.storage.database import Database, Tx

log = logging.getLogger(__name__)

SPOOL_AFTER_S = 0.25
DRAIN = 100  # spooled items per transaction
DRAIN_S = 0.05
CALM_S = 2.0
WATCH_S = 1.0
REST_S = 10.0  # between looks into the spool where nothing comes and nothing waits
READING_S = 5.0  # for source maps, before others who wait come first again
# Larger items are read beside the loop: the slowest that anybody thought of take 0.6 ms a KiB (measured).
THREAD_BYTES = 32 * 1024
SHED_S = 60
QUOTA = frozenset((Category.ERROR, Category.SECURITY))
# Sessions, check-ins, attachments and feedback come beside the errors, not in their place.
BESIDE = 10


class Gear(StrEnum):
    DIRECT = "direct"
    SPOOL = "spool"
    SHED = "shed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was not taken. `retry_after` in seconds where waiting helps, else 0."""

    arrival: Arrival
    outcome: Outcome
    reason: str
    detail: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be taken: `rate_limit` in events a minute for projects without their own, the rest in bytes."""

    rate_limit: int
    spool_bytes: int
    disk_floor: int
    free_bytes: Callable[[], int]


class Ingest:
    def __init__(
        self, db: Database, clock: Clock, pipeline: Pipeline, symbolication: Symbolication, digest: Digest, room: Room
    ) -> None:
        self._db = db
        self._clock = clock
        self._pipeline = pipeline
        self._symbolication = symbolication
        self._digest = digest
        self.room = room
        self._commit = GroupCommit(digest, self._waited)
        self._buckets = Buckets()
        self._unbooked: Counter[Booking] = Counter()
        self._unattributed: Counter[str] = Counter()
        self._used_keys: set[int] = set()
        self._has_spooled = asyncio.Event()
        self._is_drained = asyncio.Event()
        self._is_spooling = False
        self._slow_at = 0.0
        self._has_come = False  # since the last look into the spool
        self._looked_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.spool_bytes = 0
        self.failed_count = 0  # items in the spool that could not be digested
        self.is_disk_low = False
        self.free_bytes = 0

    @property
    def gear(self) -> Gear:
        if self.is_disk_low or self.spool_bytes >= self.room.spool_bytes:
            return Gear.SHED
        return Gear.SPOOL if self._is_spooling else Gear.DIRECT

    @property
    def batches(self) -> Measured:
        """What was measured of the batches since the start."""
        return self._commit.measured

    async def start(self) -> None:
        """Take up what the last process left in the spool, and begin to commit."""
        await self._digest.start()
        await self._db.write(spool.retry_all)
        await self.look_around()
        self._has_spooled.set()
        self._commit.start()
        self._tasks = [asyncio.create_task(self._drain_forever()), asyncio.create_task(self._watch_forever())]

    async def stop(self) -> None:
        """Store what is queued, book what is not booked yet, and end. May be called twice."""
        await self._commit.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.book()
        await self._digest.stop()

    async def take(self, access: Access, arrivals: Sequence[Arrival], dropped: Sequence[Refusal] = ()) -> list[Refusal]:
        """Those of the `arrivals` that were refused. When this returns, all others are on disk, with their verdicts.

        `dropped` are items that the door found unusable or unserved: they are booked with the rest. Raises Unavailable
        if the database takes nothing now.
        """
        self._has_come = True
        ticket = Ticket()
        refused = await self._admit_all(access, arrivals, ticket)
        for refusal in (*dropped, *refused):
            ticket.bookings += received(refusal.arrival), verdict(refusal.arrival, refusal.outcome, refusal.reason)
        if access.key:
            self._used_keys.add(access.key.id)
        if ticket.ready or ticket.spooled or any(r.outcome is not Outcome.LIMITED for r in (*dropped, *refused)):
            await self._commit.store(ticket)
            if ticket.spooled:
                self._has_spooled.set()
        else:
            # Nothing is acknowledged: the next second books it, and a crash may lose that second of refusals.
            self._unbooked.update(ticket.bookings)
        return refused

    def refuse(self, reason: str) -> None:
        """Count a request that belongs to no project."""
        self._unattributed[reason] += 1

    def report(self, bookings: Counter[Booking]) -> None:
        """Book what stands beside the sum."""
        self._unbooked.update(bookings)

    def look_into_spool(self) -> None:
        """There may be something that another instance left."""
        self._has_spooled.set()

    async def settled(self) -> None:
        """Wait until nothing that could be digested is waiting."""
        await self._is_drained.wait()

    # --- one item ---

    async def _admit_all(self, access: Access, arrivals: Sequence[Arrival], ticket: Ticket) -> list[Refusal]:
        refused: list[Refusal] = []
        over: Refusal | None = None
        # Files last: those of an event that is over its limit are over it as well, or they would be all that is stored.
        for arrival in sorted(arrivals, key=_is_file):
            if over and _is_file(arrival):
                refused.append(replace(over, arrival=arrival))
            elif refusal := await self._admit(access, arrival, ticket):
                refused.append(refusal)
                if refusal.outcome is Outcome.LIMITED and arrival.category in QUOTA:
                    over = refusal
        return refused

    async def _admit(self, access: Access, arrival: Arrival, ticket: Ticket) -> Refusal | None:
        """Put an item on the ticket, ready to be stored or to be spooled; or say why not."""
        gear = self.gear
        if gear is Gear.SHED:
            reason, why = (
                ("disk", "The disk is nearly full.") if self.is_disk_low else ("spool", "Too much is waiting.")
            )
            return Refusal(arrival, Outcome.LIMITED, reason, why, SHED_S)
        draft: Draft | None = None
        kept: tuple[Arrival, str | None] = arrival, None
        if gear is Gear.DIRECT:
            try:
                # None: its source maps have to be read first, which takes longer than a sender should wait.
                draft = await self._mapped(await self._read(arrival, access.project))
            except Rejected as rejected:
                return Refusal(arrival, rejected.outcome, rejected.reason, str(rejected))
            except Exception as bug:  # noqa: BLE001 - a poison item costs itself only: it is kept, with the error
                kept = self._poisoned(arrival, access.project, bug)
        refusal = self._limit(access, arrival)
        if refusal:
            return refusal
        ticket.bookings.append(received(arrival))
        if draft is not None:
            try:
                ticket.ready.append(await self._finish(draft))
                return None
            except Exception as bug:  # noqa: BLE001 - as above
                kept = self._poisoned(arrival, access.project, bug)
        ticket.spooled.append(kept)
        self.spool_bytes += len(arrival.payload)
        self._has_spooled.set()
        return None

    def _poisoned(self, arrival: Arrival, project: Project, bug: Exception) -> tuple[Arrival, str]:
        """What is kept of an item that our own code breaks on, and why."""
        log.error(
            "An item of project %s could not be read; it is kept in the spool",
            project.id,
            exc_info=bug,
            extra={"project_slug": project.slug},
        )
        return self._pipeline.without_secrets(arrival, project), str(bug) or type(bug).__name__

    async def _read(self, arrival: Arrival, project: Project) -> Draft:
        if len(arrival.payload) > THREAD_BYTES and not _is_file(arrival):
            return await asyncio.to_thread(self._pipeline.read, arrival, project)
        return self._pipeline.read(arrival, project)

    async def _mapped(self, draft: Draft) -> Draft | None:
        """The draft with its source maps applied; None if they have to be read first."""
        event, project_id = draft.event, draft.arrival.project_id
        if event is None or not self._symbolication.concerns(project_id, event):
            return draft
        try:
            mapped = await self._symbolication.known(project_id, event, draft.arrival.payload)
        except Unavailable:
            return None  # the spool is patient
        return None if mapped is None else _with_maps(draft, event, mapped)

    async def _resolved(self, draft: Draft) -> Draft:
        """The draft with its source maps applied, as far as they are of use, whatever that takes."""
        assert draft.event is not None
        project_id, payload = draft.arrival.project_id, draft.arrival.payload
        mapped = await self._symbolication.resolved(project_id, draft.event, payload)
        return _with_maps(draft, draft.event, mapped)

    async def _finish(self, draft: Draft) -> New:
        # Files are hashed; all else is compressed, which only one thread may do.
        if len(draft.arrival.payload) > THREAD_BYTES and _is_file(draft.arrival):
            return await asyncio.to_thread(self._pipeline.finish, draft)
        return self._pipeline.finish(draft)

    def _limit(self, access: Access, arrival: Arrival) -> Refusal | None:
        project, key = access.project, access.key
        per_minute = self.room.rate_limit if project.rate_limit is None else project.rate_limit
        counts = arrival.category in QUOTA
        now = self._clock()
        wait = self._buckets.take((project.id, arrival.category), per_minute * (1 if counts else BESIDE), now)
        if not wait and counts and key and key.rate_limit:
            wait = self._buckets.take(("key", key.id), key.rate_limit, now)
        if not wait:
            return None
        return Refusal(arrival, Outcome.LIMITED, "rate_limit", "This project sends more than its limit allows.", wait)

    # --- the gears ---

    def _waited(self, seconds: float) -> None:
        now = time.monotonic()
        if seconds > SPOOL_AFTER_S:
            self._slow_at = now
            if not self._is_spooling:
                log.warning("Events wait %d ms to be stored: digesting after the answer for now", seconds * 1000)
                self._is_spooling = True
                self._has_spooled.set()
        elif self._is_spooling and now > self._slow_at + CALM_S:
            self._is_spooling = False  # what is in the spool drains beside the new ones

    async def _drain_forever(self) -> None:
        while True:
            await self._has_spooled.wait()
            self._has_spooled.clear()  # before looking: what is committed while we look wakes us again
            self._is_drained.clear()
            try:
                arrivals = await self._db.write(lambda tx: spool.take(tx, DRAIN, self._db.instance))
                known = await self._projects_of(arrivals)
                tickets, slow = [], []
                for arrival in arrivals:
                    ticket = await self._settling(arrival, known[arrival.project_id])
                    if ticket:
                        tickets.append(ticket)
                    else:
                        slow.append(arrival)
                    await asyncio.sleep(0)  # those who send now come first
                await asyncio.gather(*(self._commit.store(ticket) for ticket in tickets))
                await self._settle_slow(slow, known)
            except Exception as error:  # the loop must not die: the rows are still there
                log.warning("Spooled events wait: %s", error, exc_info=not isinstance(error, BugwatchError))
                await asyncio.sleep(WATCH_S)
                self._has_spooled.set()
                continue
            if arrivals:
                self._has_spooled.set()
            elif self._commit.is_busy:
                await asyncio.sleep(DRAIN_S)  # nothing to drain yet, but what made us spool is not over
                self._has_spooled.set()
            elif not self._has_spooled.is_set():
                self._is_drained.set()
                self._is_spooling = False
                await self.look_around()

    async def _settle_slow(self, arrivals: Sequence[Arrival], known: Mapping[int, Project | None]) -> None:
        """Those whose source maps have to be read, for some seconds. The others are still ours, and come again."""
        until = time.monotonic() + READING_S
        for arrival in arrivals:
            ticket = await self._settling(arrival, known[arrival.project_id], is_patient=True)
            if ticket:
                await self._commit.store(ticket)
            if time.monotonic() > until:
                return

    async def _settling(self, arrival: Arrival, project: Project | None, *, is_patient: bool = False) -> Ticket | None:
        """What settles a spooled item: its verdict, or the error with which it goes back.

        None if source maps have to be read for it, and nobody is patient.
        """
        ticket = Ticket(spool_ids=[arrival.id])
        if project is None or project.deleted_at is not None:
            ticket.bookings.append(verdict(arrival, Outcome.INVALID, "deleted_project"))
            return ticket
        try:
            draft = await self._read(arrival, project)
            mapped = await self._mapped(draft) or (await self._resolved(draft) if is_patient else None)
            if mapped is None:
                return None
            ticket.ready.append(await self._finish(mapped))
        except Rejected as rejected:
            ticket.bookings.append(verdict(arrival, rejected.outcome, rejected.reason))
        except Unavailable:
            raise  # the database's fault, not the item's
        except Exception as bug:  # noqa: BLE001 - a poison item costs itself only
            ticket.spooled.append(self._poisoned(arrival, project, bug))
        return ticket

    async def _projects_of(self, arrivals: Sequence[Arrival]) -> dict[int, Project | None]:
        async with self._db.read() as tx:
            return {project_id: await projects.get(tx, project_id) for project_id in {a.project_id for a in arrivals}}

    async def _watch_forever(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                self._look_at_disk()
                await self._symbolication.keep_up()
                if self._has_come or self.spool_bytes or time.monotonic() > self._looked_at + REST_S:
                    await self._look_into_spool()
                await self.book()
            except Exception as error:  # the loop must not die: the next second tries again
                log.warning("The ledger of refusals waits: %s", error, exc_info=not isinstance(error, BugwatchError))

    async def look_around(self) -> None:
        """Measure the disk and the spool, which choose the gear; and see who has source maps."""
        self._look_at_disk()
        await self._symbolication.look()
        await self._look_into_spool()

    def _look_at_disk(self) -> None:
        was_low = self.is_disk_low
        self.free_bytes = self.room.free_bytes()
        self.is_disk_low = self.free_bytes < self.room.disk_floor
        if self.is_disk_low and not was_low:
            log.error("The disk is nearly full: new events are refused until there is space")
        if was_low and not self.is_disk_low:
            log.info("There is space on the disk again: events are taken")

    async def _look_into_spool(self) -> None:
        self._has_come, self._looked_at = False, time.monotonic()
        async with self._db.read() as tx:
            waiting = await spool.waiting(tx)
        self.spool_bytes, self.failed_count = waiting.bytes, waiting.failed_count

    async def book(self) -> None:
        """Write down what is counted but not booked yet: refusals, reports, when keys were used. Runs each second."""
        bookings, self._unbooked = self._unbooked, Counter()
        reasons, self._unattributed = self._unattributed, Counter()
        used, self._used_keys = self._used_keys, set()
        if not (bookings or reasons or used):
            return

        async def work(tx: Tx) -> None:
            await ledger.book(tx, bookings, self._db.instance)
            await ledger.refuse(tx, hour_of(tx.now), reasons, self._db.instance)
            await projects.touch_keys(tx, sorted(used))

        try:
            await self._db.write(work)
        except Exception:
            self._unbooked += bookings
            self._unattributed += reasons
            raise


def _with_maps(draft: Draft, event: Event, mapped: Event) -> Draft:
    return draft if mapped is event else replace(draft, event=mapped, unmapped=event)


def _is_file(arrival: Arrival) -> bool:
    return arrival.category is Category.ATTACHMENT
