"""Postgres: an asyncpg pool behind the same seam, `:name` parameters translated, deadlocks tried again.

Lists of rows and keys travel as one array per column: a statement has one text, whatever their number, and is one
round trip. Those that nobody waits for (`put`) travel together.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import asyncpg

from bugwatch.domain.clock import Clock, now_ms
from bugwatch.domain.errors import BugwatchError, Conflict, Invalid, Unavailable
from bugwatch.domain.ids import INSTANCES
from bugwatch.storage.database import REFUSED, Dialect, Listeners, Overtaken, Reader, Row, Topic, Value, Work

log = logging.getLogger(__name__)
T = TypeVar("T")

POOL_SIZE = 10
TRIES = 6
# Two numbers that mark Bugwatch's advisory locks: the first names us, the second the slot.
LOCK_CLASS = 0x62756777
MIGRATION_SLOT = 1_000
CHANNEL = "bugwatch"  # on which instances tell each other of changes

Kinds = tuple[str, ...]  # the Postgres types of columns
_KINDS: dict[str, Kinds] = {}  # by statement

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


class PostgresDatabase:
    """See `storage.database.Database`. Make it with `await PostgresDatabase.open(url)`."""

    dialect: Dialect = "postgres"

    def __init__(self, url: str, pool: asyncpg.Pool, holder: asyncpg.Connection, instance: int, clock: Clock) -> None:
        self.instance = instance
        self.pool = pool
        self._url = url
        self._holder = holder  # keeps this instance's slot while the process lives, and hears from the others
        self._listeners = Listeners()
        self._holding = asyncio.Lock()
        self._clock = clock

    @classmethod
    async def open(cls, url: str, clock: Clock = now_ms, *, pool_size: int = POOL_SIZE) -> PostgresDatabase:
        """The database at `url`. Raises Unavailable with what to do."""
        holder: asyncpg.Connection | None = None
        try:
            holder = await asyncpg.connect(url)
            instance = await _take_slot(holder)
            pool = await asyncpg.create_pool(
                url, min_size=1, max_size=pool_size, statement_cache_size=1024, reset=_nothing
            )
            database = cls(url, pool, holder, instance, clock)
            await database._attend(holder)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            if holder:
                await holder.close()
            raise Unavailable(f"Postgres cannot be reached: {error}. Check BUGWATCH_DATABASE_URL.") from error
        return database

    async def write(self, work: Work[T]) -> T:
        for attempt in range(TRIES):
            try:
                await self._hold_slot()
                async with self.pool.acquire() as connection:
                    tx = PostgresTx(connection, self._clock())
                    async with connection.transaction():
                        result = await work(tx)
                        await tx.flush()
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, Overtaken) as error:
                if attempt == TRIES - 1:
                    raise _translate(error) from error
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, not a secret
                continue
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                raise _translate(error) from error
            for call in tx.after:
                call()
            self._listeners.tell(tx.announced)
            return result
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        try:
            async with self.pool.acquire() as connection:
                yield PostgresTx(connection, self._clock())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _translate(error) from error

    def listen(self, topic: Topic, call: Callable[[], None]) -> None:
        self._listeners.add(topic, call)

    async def copy_to(self, target: Path, look: Callable[[Reader], Awaitable[T]]) -> T:
        raise Unavailable('On Postgres, back up with its own tools: pg_dump -Fc -f FILE "$BUGWATCH_DATABASE_URL".')

    async def check_up(self) -> tuple[str, list[str]]:
        async with self.read() as tx:
            version = await tx.value("SHOW server_version")
            asked = {
                name: await tx.value(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")
            }
        wrong = [
            f"Postgres has {name} = off: a crash can lose events that were acknowledged. Switch it on."
            for name, value in asked.items()
            if value == "off"
        ]
        return f"PostgreSQL {version}", wrong

    async def close(self) -> None:
        if not self._holder.is_closed():
            await self._holder.close()
        try:
            await asyncio.wait_for(self.pool.close(), 10)
        except TimeoutError:
            self.pool.terminate()

    async def _hold_slot(self) -> None:
        """A server that restarts forgets who is who: ids would be made twice if two had the same number."""
        if not self._holder.is_closed():
            return
        async with self._holding:
            if not self._holder.is_closed():
                return
            holder = await asyncpg.connect(self._url)
            if not await _take(holder, self.instance):
                await holder.close()
                raise Unavailable("Another instance has taken this one's place in the database. Restart this one.")
            self._holder = holder
            await self._attend(holder)
            self._listeners.tell()  # nobody knows what was announced meanwhile

    async def _attend(self, holder: asyncpg.Connection) -> None:
        await holder.add_listener(CHANNEL, self._heard)

    def _heard(self, _connection: object, _pid: int, _channel: str, words: object) -> None:
        self._listeners.tell(topic for topic in Topic if topic == words)  # newer instances may have others


class PostgresTx:
    """See `storage.database.Tx`."""

    dialect: Dialect = "postgres"

    def __init__(self, connection: Any, now: int) -> None:
        self.now = now
        self.after: list[Callable[[], None]] = []
        self.announced: set[Topic] = set()
        self._connection = connection
        self._put: dict[str, Sequence[Sequence[Value]]] = {}

    async def all(self, sql: str, **params: Value) -> Sequence[Row]:
        text, names = _numbered(sql)
        await self.flush()
        return cast("list[Row]", await self._connection.fetch(text, *[params[name] for name in names]))

    async def one(self, sql: str, **params: Value) -> Row | None:
        text, names = _numbered(sql)
        await self.flush()
        return cast("Row | None", await self._connection.fetchrow(text, *[params[name] for name in names]))

    async def value(self, sql: str, **params: Value) -> Any:
        text, names = _numbered(sql)
        await self.flush()
        return await self._connection.fetchval(text, *[params[name] for name in names])

    async def among(self, sql: str, keys: Sequence[Value], **params: Value) -> list[Row]:
        if not keys:
            return []
        text, names = _numbered(sql.replace("IN :keys", "= ANY(:keys)"))
        values = {**params, "keys": keys}
        await self.flush()
        return cast("list[Row]", await self._connection.fetch(text, *[values[name] for name in names]))

    async def run(self, sql: str, **params: Value) -> int:
        text, names = _numbered(sql)
        await self.flush()
        return _count(await self._connection.execute(text, *[params[name] for name in names]))

    async def insert(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        if not rows:
            return 0
        await self.flush()
        text = _by_column(sql, await self._kinds(sql, len(rows[0])))
        return _count(await self._connection.execute(text, *zip(*rows, strict=True)))

    async def rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row]:
        if not rows:
            return []
        await self.flush()
        text = _by_column(sql, await self._kinds(sql, len(rows[0])))
        return cast("list[Row]", await self._connection.fetch(text, *zip(*rows, strict=True)))

    async def put(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        if sql in self._put:
            await self.flush()
        if rows:
            self._put[sql] = rows

    async def flush(self) -> None:
        """Run what was put, in one round trip."""
        if not self._put:
            return
        put, self._put = self._put, {}
        kinds = [(sql, await self._kinds(sql, len(rows[0]))) for sql, rows in put.items()]
        columns = [column for rows in put.values() for column in zip(*rows, strict=True)]
        await self._connection.execute(_together(tuple(kinds)), *columns)

    async def _kinds(self, sql: str, width: int) -> Kinds:
        """The types of the columns that a statement takes; the server is asked once."""
        if sql not in _KINDS:
            numbers = ", ".join(f"${number}" for number in range(1, width + 1))
            prepared = await self._connection.prepare(sql.replace(":rows", f"({numbers})"))
            _KINDS[sql] = tuple(kind.name for kind in prepared.get_parameters())
        return _KINDS[sql]

    def on_commit(self, call: Callable[[], None]) -> None:
        self.after.append(call)

    async def announce(self, topic: Topic) -> None:
        if topic not in self.announced:
            self.announced.add(topic)
            await self.flush()
            await self._connection.execute("SELECT pg_notify($1, $2)", CHANNEL, topic)


async def _take_slot(connection: asyncpg.Connection) -> int:
    for slot in range(INSTANCES):
        if await _take(connection, slot):
            return slot
    raise Unavailable(f"{INSTANCES} instances already share this database; stop one before starting another.")


async def _take(connection: asyncpg.Connection, slot: int) -> bool:
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK_CLASS, slot))


def _translate(error: BaseException) -> BugwatchError:
    if isinstance(error, BugwatchError):
        return error
    if isinstance(error, asyncpg.UniqueViolationError | asyncpg.ForeignKeyViolationError):
        return Conflict(f"That collides with what is stored: {error}.")
    if isinstance(error, asyncpg.DataError):
        return Invalid(f"The database cannot hold that value: {error}.")
    log.warning("The database refused: %s", error)
    return Unavailable(REFUSED)


@lru_cache(maxsize=4096)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """`:name` as `$n`, and the names in order; a name that comes twice is one parameter."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETER.sub(number, sql), tuple(names)


def _count(status: str) -> int:
    """How many rows a statement changed, by what the server says of it: `INSERT 0 32`."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


async def _nothing(_: asyncpg.Connection) -> None:
    """What is done before the pool lends a connection again: a transaction of ours leaves nothing behind."""


@lru_cache(maxsize=1024)
def _by_column(sql: str, kinds: Kinds, first: int = 1) -> str:
    """An `INSERT … VALUES :rows …` that takes an array for each column, from the parameter `first` on."""
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, first))
    return sql.replace("VALUES :rows", f"SELECT * FROM unnest({arrays})")


@lru_cache(maxsize=256)
def _together(inserts: tuple[tuple[str, Kinds], ...]) -> str:
    """One statement that runs several, all but the last as its CTEs."""
    texts: list[str] = []
    first = 1
    for sql, kinds in inserts:
        texts.append(_by_column(sql, kinds, first))
        first += len(kinds)
    *others, last = texts
    ctes = ", ".join(f"put{number} AS ({text})" for number, text in enumerate(others))
    return f"WITH {ctes} {last}" if others else last
