"""SQLite: one writer thread that owns the only connection that writes, and a few read-only connections beside it.

WAL with `synchronous=FULL`: a commit is on disk when it returns. Every transaction begins IMMEDIATE, so it never fails
halfway for a lock. The writer also owns the checkpoints: after a commit when the WAL has grown, to the end when idle.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite
from pysqlite3 import dbapi2 as sqlite3

from bugwatch.domain.clock import Clock, now_ms
from bugwatch.domain.errors import Conflict, Unavailable
from bugwatch.storage.database import REFUSED, Dialect, Listeners, Reader, Row, Topic, Value, Work, chunked, key_chunks

log = logging.getLogger(__name__)
T = TypeVar("T")

# Older ones can corrupt a WAL database when two connections write and checkpoint at once (the WAL-reset bug).
OLDEST_SQLITE = (3, 51, 3)
READERS = 4
READ_TIMEOUT_S = 20.0
IDLE_S = 5.0
CHECKPOINT_PAGES = 4_000
STATEMENT_CACHE = 512

_PATIENCE = "PRAGMA busy_timeout = 10000"
_PRAGMAS = (
    _PATIENCE,  # first: the next ones may have to wait for a lock
    "PRAGMA auto_vacuum = INCREMENTAL",  # only counts before the first table
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: an fsync there does not reach the disk
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -32000",
    "PRAGMA journal_size_limit = 67108864",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
)
# What a healthy file answers, and what to do where it answers otherwise.
_SETTINGS = {
    "journal_mode": ("wal", "its file system does not allow it. Move the data folder to a local disk."),
    "synchronous": (2, "another program set it. Restart Bugwatch."),
    "auto_vacuum": (2, "the file was made by another program, and will not give space back. Restore a backup of ours."),
}
LARGEST_WAL = 512 * 1024 * 1024
_READER_PRAGMAS = (_PATIENCE, "PRAGMA query_only = ON", "PRAGMA cache_size = -8000")


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class SqliteDatabase:
    """See `storage.database.Database`. Make it with `await SqliteDatabase.open(path)`."""

    dialect: Dialect = "sqlite"
    instance = 0

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._listeners = Listeners()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._writer = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._is_closing = False

    @classmethod
    async def open(cls, path: Path, clock: Clock = now_ms, *, readers: int = READERS) -> SqliteDatabase:
        """The database at `path`, made if it is not there. Raises Unavailable with what to do."""
        assert_version(sqlite3.sqlite_version_info)
        database = cls(path, clock)
        database._writer.start()
        try:
            await database._submit(lambda _: None)  # the writer has opened the file, or says why not
            for _ in range(readers):
                connection = aiosqlite.Connection(lambda: cast("Any", _connect(path, read_only=True)), 64)
                connection._thread.daemon = True  # a reader must never keep the process alive
                database._readers.put_nowait(await connection)
        except BaseException:
            await database.close()
            raise
        return database

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()

        def run(connection: sqlite3.Connection) -> T:
            tx = SqliteTx(connection, self._clock())
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = _drive(cast("Coroutine[Any, Any, T]", work(tx)))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if tx.after or tx.announced:
                loop.call_soon_threadsafe(self._committed, tx)  # before the result, and also if nobody waits for it
            return result

        return await self._submit(run)

    def _committed(self, tx: SqliteTx) -> None:
        for call in tx.after:
            call()
        self._listeners.tell(tx.announced)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        connection = await self._readers.get()
        try:
            yield SqliteReader(connection, self._clock())
        finally:
            self._readers.put_nowait(connection)

    def listen(self, topic: Topic, call: Callable[[], None]) -> None:
        self._listeners.add(topic, call)  # nobody else writes to the file

    async def copy_to(self, target: Path, look: Callable[[Reader], Awaitable[T]]) -> T:
        # On a connection of its own, so that the writer goes on; in one step, since small steps restart whenever
        # something is written; inside the read transaction of `look`, so that both see the same state.
        def copy() -> T:
            with (
                closing(_connect(self.path, read_only=True)) as source,
                closing(sqlite3.connect(str(target))) as copied,
            ):
                source.execute("BEGIN")
                seen = _drive(cast("Coroutine[Any, Any, T]", look(SqliteTx(source, self._clock()))))
                source.backup(copied)
                return seen

        return await _on_a_thread(copy)

    async def check_up(self) -> tuple[str, list[str]]:
        def ask(connection: sqlite3.Connection) -> dict[str, Any]:
            return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _SETTINGS}

        found = await self._submit(ask)
        wrong = [
            f"SQLite's {name} is {found[name]}, not {wanted}: {remedy}"
            for name, (wanted, remedy) in _SETTINGS.items()
            if found[name] != wanted
        ]
        wal = self.path.with_name(self.path.name + "-wal")
        if wal.exists() and wal.stat().st_size > LARGEST_WAL:
            wrong.append(
                f"The write-ahead log has {wal.stat().st_size // 2**20} MB: something keeps reading and does not end. "
                "Restart Bugwatch, and close other programs that have the database open."
            )
        return f"SQLite {sqlite3.sqlite_version}", wrong

    async def close(self) -> None:
        """Finish what is queued, fold the WAL into the file, and let go of it. May be called twice."""
        self._is_closing = True
        while not self._readers.empty():
            await self._readers.get_nowait().close()
        if self._writer.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join, 30)

    async def _submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._is_closing and not self._writer.is_alive():
            raise Unavailable("The database is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, future, loop))
        return await future

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        is_folded = False  # the WAL into the file, since the last transaction
        opening: BaseException | None = None
        try:
            connection = _connect(self.path)
        except (sqlite3.Error, Unavailable) as error:
            opening = error
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                if connection and not is_folded:
                    is_folded = _checkpoint(connection)
                continue
            if job is None:
                break
            if connection is None:
                _answer(job, None, _translate(opening or Unavailable("The database did not open.")))
                continue
            is_folded = False
            try:
                result = job.work(connection)
            except BaseException as error:  # noqa: BLE001 - the writer must outlive whatever a transaction raises
                _answer(job, None, _translate(error))
            else:
                _answer(job, result, None)
        if connection:
            _checkpoint(connection)
            connection.close()


class SqliteTx:
    """See `storage.database.Tx`. Its awaitables never suspend."""

    dialect: Dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self.now = now
        self.after: list[Callable[[], None]] = []
        self.announced: set[Topic] = set()
        self._execute = connection.execute

    async def all(self, sql: str, **params: Value) -> Sequence[Row]:
        return cast("list[Row]", self._execute(sql, params).fetchall())

    async def one(self, sql: str, **params: Value) -> Row | None:
        rows = self._execute(sql, params).fetchall()  # all: an unfinished RETURNING would not take effect
        return cast("Row", rows[0]) if rows else None

    async def value(self, sql: str, **params: Value) -> Any:
        row = await self.one(sql, **params)
        return None if row is None else row[0]  # type: ignore[index]

    async def among(self, sql: str, keys: Sequence[Value], **params: Value) -> list[Row]:
        found: list[Row] = []
        for text, values in key_chunks(sql, keys, params):
            found += self._execute(text, values).fetchall()
        return found

    async def run(self, sql: str, **params: Value) -> int:
        changed: int = self._execute(sql, params).rowcount
        return max(changed, 0)

    async def insert(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        return sum(self._execute(text, flat).rowcount for text, flat in _row_chunks(sql, rows))

    async def put(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        await self.insert(sql, rows)

    async def rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row]:
        return [row for text, flat in _row_chunks(sql, rows) for row in self._execute(text, flat).fetchall()]

    def on_commit(self, call: Callable[[], None]) -> None:
        self.after.append(call)

    async def announce(self, topic: Topic) -> None:
        self.announced.add(topic)


class SqliteReader:
    """See `storage.database.Reader`. A question that takes longer than `READ_TIMEOUT_S` is interrupted."""

    dialect: Dialect = "sqlite"

    def __init__(self, connection: aiosqlite.Connection, now: int) -> None:
        self.now = now
        self._connection = connection

    async def all(self, sql: str, **params: Value) -> Sequence[Row]:
        return await self._fetch(sql, params)

    async def one(self, sql: str, **params: Value) -> Row | None:
        rows = await self._fetch(sql, params)
        return rows[0] if rows else None

    async def value(self, sql: str, **params: Value) -> Any:
        row = await self.one(sql, **params)
        return None if row is None else row[0]  # type: ignore[index]

    async def among(self, sql: str, keys: Sequence[Value], **params: Value) -> list[Row]:
        found: list[Row] = []
        for text, values in key_chunks(sql, keys, params):
            found += await self._fetch(text, values)
        return found

    async def _fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        loop = asyncio.get_running_loop()
        fetching = asyncio.ensure_future(self._connection.execute_fetchall(sql, dict(params)))
        alarm = loop.call_later(READ_TIMEOUT_S, lambda: asyncio.ensure_future(self._connection.interrupt()))
        try:
            # Shielded: a reader whose caller went away must still be idle when the next one gets it.
            return cast("list[Row]", await asyncio.shield(fetching))
        except asyncio.CancelledError:
            await self._connection.interrupt()
            await asyncio.gather(fetching, return_exceptions=True)
            raise
        except sqlite3.Error as error:
            raise _translate(error) from error
        finally:
            alarm.cancel()


async def open_alone(path: Path, work: Work[T], clock: Clock = now_ms) -> T:
    """Run `work` over a database file that nobody else uses, such as a backup. Afterwards it is one file, without WAL.

    Raises Unavailable if it is damaged or no database. What `work` writes is not kept.
    """

    def run() -> T:
        with closing(_connect(path, pragmas=("PRAGMA journal_mode = DELETE",))) as connection:
            connection.execute("BEGIN")
            return _drive(cast("Coroutine[Any, Any, T]", work(SqliteTx(connection, clock()))))

    return await _on_a_thread(run)


async def _on_a_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except sqlite3.Error as error:
        raise _translate(error) from error


def assert_version(version: tuple[int, ...]) -> None:
    """Raise Unavailable if this SQLite is older than `OLDEST_SQLITE`."""
    if version < OLDEST_SQLITE:
        have, need = (".".join(map(str, v)) for v in (version, OLDEST_SQLITE))
        raise Unavailable(f"SQLite {have} is too old: Bugwatch needs {need} or newer, which its packages bring along.")


def _connect(path: Path, *, read_only: bool = False, pragmas: Sequence[str] = ()) -> sqlite3.Connection:
    uri = f"file:{path.as_posix().replace('%', '%25').replace('?', '%3f').replace('#', '%23')}"
    connection = sqlite3.connect(
        uri + ("?mode=ro" if read_only else ""),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENT_CACHE,
    )
    connection.row_factory = sqlite3.Row
    for pragma in pragmas or (_READER_PRAGMAS if read_only else _PRAGMAS):
        connection.execute(pragma).fetchall()
    return connection


def _checkpoint(connection: sqlite3.Connection) -> bool:
    """Fold the WAL into the file; whether all of it was."""
    try:
        connection.execute("PRAGMA busy_timeout = 0").fetchall()  # it would wait for readers, and events for it
        is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not is_busy
    except sqlite3.Error as error:  # a reader holds it: the next idle moment will do
        log.debug("Checkpoint put off: %s", error)
        return False
    finally:
        connection.execute(_PATIENCE).fetchall()


def _drive(transaction: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, without a loop (5 µs for two statements, measured)."""
    try:
        transaction.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    transaction.close()
    raise RuntimeError("A transaction awaited something other than its tx; on SQLite it must not.")


def _answer(job: _Job, result: object, error: BaseException | None) -> None:
    def settle() -> None:
        if job.future.done():
            return  # its caller went away; what was written stays written
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)

    try:
        job.loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is gone: nobody is waiting any more
        log.debug("A transaction ended after its event loop.")


def _translate(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(f"That collides with what is stored: {error}.")
    if isinstance(error, sqlite3.Error):
        sentence = next((ours for theirs, ours in _SENTENCES if theirs in str(error)), None)
        if sentence is None:
            log.warning("The database refused: %s", error)
        failed = Unavailable(sentence or REFUSED)
        failed.__cause__ = error
        return failed
    return error


_SENTENCES = (
    ("disk is full", "The disk is full: nothing can be written until there is space again."),
    ("readonly database", "The database cannot be written: check its owner and its file system."),
    ("unable to open", "The database file cannot be opened: check the data directory and its owner."),
    ("not a database", "The database file is not a database: restore a backup."),
    ("malformed", "The database file is damaged: restore a backup."),
    ("interrupted", "The question took too long and was stopped: narrow it down."),
)


def _row_chunks(sql: str, rows: Sequence[Sequence[Value]]) -> Iterator[tuple[str, list[Value]]]:
    start = 0
    for size in chunked(len(rows)):
        yield _with_rows(sql, size, len(rows[0])), list(chain.from_iterable(rows[start : start + size]))
        start += size


@lru_cache(maxsize=1024)
def _with_rows(sql: str, size: int, width: int) -> str:
    return sql.replace(":rows", ", ".join(["(" + ", ".join("?" * width) + ")"] * size))


# What the driver takes for foreign, bytes and None too, it would ask for an adapter each time (measured: 0.8 µs each).
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), lambda none: none)

# The writer's thread hands over often: a long switch interval would make the event loop wait for it (measured: 0.5 ms).
sys.setswitchinterval(0.0005)
