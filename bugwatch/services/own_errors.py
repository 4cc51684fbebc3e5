"""Bugwatch watches itself: what it logs with a traceback becomes an event in a project of its own.

The project is made with the first such error, in the oldest organization; before there is one, the log alone has it.
No local variables are taken along: they may hold what other people sent.
"""

from __future__ import annotations

import asyncio
import linecache
import logging
import traceback
from types import FrameType, TracebackType

import msgspec

from bugwatch.domain.batch import Arrival
from bugwatch.domain.clock import Clock
from bugwatch.domain.errors import Conflict
from bugwatch.domain.ids import Ids, new_event_id
from bugwatch.domain.outcome import Category
from bugwatch.domain.quota import TokenBucket
from bugwatch.domain.site import Site
from bugwatch.services.ingest import Ingest
from bugwatch.services.projects import Access, Projects
from bugwatch.storage import projects
from bugwatch.storage.database import Database

log = logging.getLogger(__name__)

NAME = "Bugwatch itself"
SLUG = "bugwatch-itself"
PER_MINUTE = 30
WAITING = 100
_TEXT_LENGTH = 8_192


class OwnErrors(logging.Handler):
    """Entered, it listens to the log of `bugwatch.*`."""

    def __init__(self, db: Database, clock: Clock, ids: Ids, site: Site, projects: Projects, ingest: Ingest) -> None:
        super().__init__(logging.ERROR)
        self._db = db
        self._clock = clock
        self._ids = ids
        self._site = site
        self._projects = projects
        self._ingest = ingest
        self._bucket = TokenBucket(PER_MINUTE, clock())
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._last_id = 0  # of our latest report

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._report_forever())
        logging.getLogger("bugwatch").addHandler(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("bugwatch").removeHandler(self)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    def emit(self, record: logging.LogRecord) -> None:
        """Called by any thread, for each record; never raises."""
        if not record.exc_info or record.exc_info[1] is None or record.name == __name__ or self._loop is None:
            return
        if getattr(record, "project_slug", "") == SLUG or self._last_id in getattr(record, "item_ids", ()):
            return  # a report of ours could not be read or stored: one about that would fare no better, without end
        if self._bucket.take(self._clock()):
            return  # an error storm is in the log; here its first thirty a minute say enough
        try:
            payload = event_of(record, record.exc_info[1], self._site)
            self._loop.call_soon_threadsafe(self._put, payload)
        except Exception:  # noqa: BLE001 - who logs an error has trouble enough
            self.handleError(record)

    def _put(self, payload: bytes) -> None:
        if not self._queue.full():
            self._queue.put_nowait(payload)

    async def _report_forever(self) -> None:
        while True:
            payload = await self._queue.get()
            try:
                await self._report(payload)
            except Exception as error:  # noqa: BLE001 - it must not die; nor may reporting an error report itself
                log.warning("An error of our own stays in the log only: %s", error)

    async def _report(self, payload: bytes) -> None:
        access = await self._access()
        if access is None:
            return
        arrival = Arrival(
            id=self._ids.next(),
            project_id=access.project.id,
            category=Category.ERROR,
            item_type="event",
            payload=payload,
            received_at=self._clock(),
            event_id=new_event_id(),
        )
        self._last_id = arrival.id
        await self._ingest.take(access, [arrival])

    async def _access(self) -> Access | None:
        async with self._db.read() as tx:
            homes = await projects.organizations(tx)
            found = await projects.by_slug(tx, homes[0]["id"], SLUG) if homes else None
        if not homes:
            return None
        if found is None:
            try:
                found = (await self._projects.create(NAME, "python", homes[0]["id"])).project
            except Conflict:  # another instance was first
                return await self._access()
        return None if found.deleted_at else Access(found, None)


def event_of(record: logging.LogRecord, error: BaseException, site: Site) -> bytes:
    """The record as an event in Sentry's schema, with the chain of exceptions, oldest cause first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain and len(chain) < 20:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return msgspec.json.encode(
        {
            "platform": "python",
            "level": "error",
            "logger": record.name,
            "logentry": {"message": _text(str(record.msg)), "formatted": _text(record.getMessage())},
            "release": f"bugwatch@{site.version}",
            "exception": {"values": [_exception(link) for link in reversed(chain)]},
        }
    )


def _exception(error: BaseException) -> dict[str, object]:
    kind = type(error)
    return {
        "type": kind.__name__,
        "module": kind.__module__,
        "value": _text(str(error)),
        "mechanism": {"type": "logging", "handled": True},
        "stacktrace": {"frames": [_frame(*entry) for entry in traceback.walk_tb(error.__traceback__)][-100:]},
    }


def _text(words: str) -> str:
    """What a stranger sent may be in it, with halves of characters that no JSON can hold."""
    return words[:_TEXT_LENGTH].encode("utf-8", "replace").decode()


def _frame(frame: FrameType, lineno: int) -> dict[str, object]:
    code = frame.f_code
    module = str(frame.f_globals.get("__name__", ""))
    return {
        "module": module,
        "function": code.co_name,
        "filename": code.co_filename.rpartition("site-packages/")[2],
        "lineno": lineno,
        "context_line": linecache.getline(code.co_filename, lineno).rstrip("\n"),
        "in_app": module.startswith("bugwatch"),
    }
