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
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bugwatch.domain.batch import Arrival, received, verdict
from bugwatch.domain.clock import Clock, hour_of
from bugwatch.domain.errors import BugwatchError, Rejected, Unavailable
from bugwatch.domain.outcome import Booking, Category, Outcome
from bugwatch.domain.project import Project
from bugwatch.domain.quota import Buckets
from bugwatch.services.digest import Digest
from bugwatch.services.gathering import LARGEST_SET, Gathering
from bugwatch.services.group_commit import GroupCommit, Measured, Ticket
from bugwatch.services.pipeline import Pipeline, Work, in_stages
from bugwatch.services.projects import Access
from bugwatch.services.settling import Settling
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


@dataclass(slots=True)
class Visit:
    """The items of a request on their way, files last: those that are refused leave `works` for `refused`.

    Who sent it may have given up: it had arrived as a whole, and is stored all the same.
    """

    access: Access
    works: list[Work]
    dropped: Sequence[Refusal]  # before it came here
    refused: list[Refusal] = field(default_factory=list)
    done: Settling = field(default_factory=Settling)  # stored; where source maps come first, seen through
    is_handed_in: bool = False
    is_given_up: bool = False


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
        self._gathering = Gathering(self._see_through)
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
        visit = Visit(access, [Work(arrival, access.project) for arrival in sorted(arrivals, key=_is_file)], dropped)
        await self._receive(visit)
        if not visit.is_handed_in:
            for work in visit.works:
                if work.has_maps:
                    await self._try_to_map(work)
            stored = Settling()
            self._hand_in(visit, stored)
            await stored.settled()
        if any(work.new is None for work in visit.works):
            self._has_spooled.set()  # only now it is there to be taken
        if visit.is_given_up:
            raise asyncio.CancelledError
        return visit.refused

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

    # --- one request ---

    async def _receive(self, visit: Visit) -> None:
        """See through what it takes to answer, as far as the gear wants that; and take out what is refused."""
        gear = self.gear
        if gear is Gear.SHED:
            reason, why = (
                ("disk", "The disk is nearly full.") if self.is_disk_low else ("spool", "Too much is waiting.")
            )
            visit.refused = [Refusal(work.arrival, Outcome.LIMITED, reason, why, SHED_S) for work in visit.works]
            visit.works = []
        elif gear is Gear.SPOOL:
            self._judge(visit)
        elif any(len(work.arrival.payload) > THREAD_BYTES for work in visit.works):
            await self._see_through_beside(visit)
        else:
            self._gathering.join(visit, visit.done)
            try:
                await visit.done.settled()
            except asyncio.CancelledError:
                visit.is_given_up = True

    def _see_through(self, visits: Sequence[Visit]) -> None:
        """All that came in this turn of the loop, as one set. Those without source maps are handed in."""
        self._pipeline.read([work for visit in visits for work in visit.works])
        for visit in visits:
            self._judge(visit)
        self._finish([work for visit in visits for work in visit.works])
        for visit in visits:
            if any(work.has_maps for work in visit.works):
                visit.done.settle()
            else:
                self._hand_in(visit, visit.done)

    async def _see_through_beside(self, visit: Visit) -> None:
        """On a thread, but for the compression: only the loop's may do that."""
        await asyncio.to_thread(self._pipeline.read, visit.works)
        self._judge(visit)
        await self._finish_beside(visit.works)

    async def _finish_beside(self, works: Sequence[Work]) -> None:
        files = [work for work in works if _is_file(work.arrival)]
        if files:
            await asyncio.to_thread(self._pipeline.finish, files)
        self._finish([work for work in works if not _is_file(work.arrival)])

    def _finish(self, works: Sequence[Work]) -> None:
        """But for those whose source maps come first."""
        in_stages(works, self._look_for_maps)
        self._pipeline.finish([work for work in works if not work.has_maps])

    def _look_for_maps(self, work: Work) -> None:
        work.has_maps = work.event is not None and self._symbolication.concerns(work.arrival.project_id, work.event)

    def _judge(self, visit: Visit) -> None:
        """Take out what is invalid or over a limit."""
        kept: list[Work] = []
        over: Refusal | None = None
        for work in visit.works:
            arrival, error = work.arrival, work.error
            refusal: Refusal | None
            if isinstance(error, Rejected):
                refusal = Refusal(arrival, error.outcome, error.reason, str(error))
            elif over and _is_file(arrival):
                # The files of an event that is over its limit are over it as well, or they would be all that is stored.
                refusal = replace(over, arrival=arrival)
            else:
                refusal = self._limit(visit.access, arrival)
                if refusal and arrival.category in QUOTA:
                    over = refusal
            if refusal:
                visit.refused.append(refusal)
            else:
                kept.append(work)
        visit.works = kept

    def _hand_in(self, visit: Visit, stored: Settling) -> None:
        """Have on disk what is to be stored or spooled, and what was refused, and `stored` settled then."""
        visit.is_handed_in = True
        ticket = Ticket(stored=stored)
        for work in visit.works:
            self._put(work, ticket)
        refused = (*visit.dropped, *visit.refused)
        for refusal in refused:
            ticket.bookings += received(refusal.arrival), verdict(refusal.arrival, refusal.outcome, refusal.reason)
        if visit.access.key:
            self._used_keys.add(visit.access.key.id)
        if ticket.ready or ticket.spooled or any(refusal.outcome is not Outcome.LIMITED for refusal in refused):
            self._commit.queue(ticket)
        else:
            # Nothing is acknowledged: the next second books it, and a crash may lose that second of refusals.
            self._unbooked.update(ticket.bookings)
            stored.settle()

    def _put(self, work: Work, ticket: Ticket) -> None:
        """Put it on the ticket, ready to be stored or to be spooled."""
        ticket.bookings.append(received(work.arrival))
        if work.new is not None:
            ticket.ready.append(work.new)
            return
        ticket.spooled.append(self._poisoned(work, work.error) if work.error else (work.arrival, None))
        self.spool_bytes += len(work.arrival.payload)
        self._has_spooled.set()

    async def _try_to_map(self, work: Work) -> None:
        try:
            # If they have to be read first, that takes longer than a sender should wait: the spool is patient.
            await self._map(work)
        except Unavailable:
            pass

    async def _map(self, work: Work, *, is_patient: bool = False) -> None:
        """Apply its source maps and finish it. Without patience it is left as it is where they have to be read first.

        Raises Unavailable where the database takes nothing now.
        """
        event, project_id, payload = work.event, work.arrival.project_id, work.arrival.payload
        assert event is not None
        try:
            mapped = await self._symbolication.known(project_id, event, payload)
            if mapped is None and is_patient:
                mapped = await self._symbolication.resolved(project_id, event, payload)
        except Unavailable:
            raise
        except Exception as bug:  # noqa: BLE001 - a poison item costs itself only
            work.error = bug
            return
        if mapped is None:
            return
        if mapped is not event:
            work.event, work.unmapped = mapped, event
        self._pipeline.finish([work])

    def _poisoned(self, work: Work, bug: Exception) -> tuple[Arrival, str]:
        """What is kept of an item that our own code breaks on, and why."""
        log.error(
            "An item of project %s could not be read; it is kept in the spool",
            work.project.id,
            exc_info=bug,
            extra={"project_slug": work.project.slug},
        )
        return self._pipeline.without_secrets(work.arrival, work.project), str(bug) or type(bug).__name__

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
                slow = await self._settle(arrivals, known)
                await self._settle_slow(slow)
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

    async def _settle(self, arrivals: Sequence[Arrival], known: Mapping[int, Project | None]) -> list[Work]:
        """Store what came of them, or the error with which they go back. Those whose source maps have to be read first
        are left."""
        tickets, works = [], []
        for arrival in arrivals:
            project = known[arrival.project_id]
            if project is None or project.deleted_at is not None:
                gone = verdict(arrival, Outcome.INVALID, "deleted_project")
                tickets.append(Ticket(spool_ids=[arrival.id], bookings=[gone]))
            else:
                works.append(Work(arrival, project))
        for begin in range(0, len(works), LARGEST_SET):
            some = works[begin : begin + LARGEST_SET]
            # On a thread: those who send now come first.
            await asyncio.to_thread(self._pipeline.read, some)
            await self._finish_beside(some)
        for work in works:
            if work.has_maps:
                await self._map(work)
        tickets += [self._settling(work) for work in works if not work.is_waiting]
        await asyncio.gather(*(self._commit.store(ticket) for ticket in tickets))
        return [work for work in works if work.is_waiting]

    async def _settle_slow(self, works: Sequence[Work]) -> None:
        """Those whose source maps have to be read, for some seconds. The others are still ours, and come again."""
        until = time.monotonic() + READING_S
        for work in works:
            await self._map(work, is_patient=True)
            await self._commit.store(self._settling(work))
            if time.monotonic() > until:
                return

    def _settling(self, work: Work) -> Ticket:
        """What settles a spooled item: its verdict, or the error with which it goes back."""
        ticket = Ticket(spool_ids=[work.arrival.id])
        if work.new is not None:
            ticket.ready.append(work.new)
        elif isinstance(work.error, Rejected):
            ticket.bookings.append(verdict(work.arrival, work.error.outcome, work.error.reason))
        elif work.error is not None:
            ticket.spooled.append(self._poisoned(work, work.error))
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


def _is_file(arrival: Arrival) -> bool:
    return arrival.category is Category.ATTACHMENT
