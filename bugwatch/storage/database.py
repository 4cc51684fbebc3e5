"""The seam between Bugwatch and its database: SQLite by default, Postgres by URL, the same SQL on both.

The common subset that every statement keeps to:

- named parameters `:name`; a list of rows is `VALUES :rows` (`Tx.rows`), a list of keys `IN :keys` (`among`);
- instants are integer milliseconds, flags are 0 and 1, json is text and is never queried;
- `ON CONFLICT (columns) DO UPDATE/NOTHING` with its target named, `RETURNING`, CTEs, window functions;
- `CASE` instead of `max(a, b)`/`GREATEST`; `CAST(:x AS bigint)` where a parameter stands alone and Postgres cannot
  tell its type; `CAST(SUM(x) AS bigint)`, which would be a decimal there;
- claims by `UPDATE … WHERE <still free> … RETURNING`.

A transaction is an async function that awaits nothing but its `tx`. On SQLite it runs in one go on the writer's thread
(so a whole batch costs one hop), on Postgres on the event loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from bugwatch.domain.errors import BugwatchError

T = TypeVar("T")

# What strangers may hear of an error of the driver; the log has its words.
REFUSED = "The database does not take this at the moment. The log of Bugwatch says why."

Value = int | float | str | bytes | None
Row = Mapping[str, Any]
Dialect = Literal["sqlite", "postgres"]

# Rows or keys per statement on SQLite, which knows no arrays. Few texts, so that all stay in the statement cache (a
# text for every number costs more than it saves), and few statements: up to 128 rows take at most four, keys one.
CHUNKS = (128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
_FITTING = [min(size for size in CHUNKS if size >= count) for count in range(CHUNKS[0] + 1)]
_KEY_NAMES = tuple(f"k{n}" for n in range(CHUNKS[0]))


class Topic(StrEnum):
    """What instances keep in mind, and read anew when one of them announces a change."""

    PROJECTS = "projects"  # with their keys, settings and rules
    ARTIFACTS = "artifacts"
    INSTANCE = "instance"


class Overtaken(BugwatchError):
    """Raised by a transaction: another one has changed what it relied on, between two of its statements.

    It is rolled back and run once more. On SQLite transactions do not overlap.
    """


class Reader(Protocol):
    """Asks questions. What it sees is committed."""

    @property
    def now(self) -> int:
        """The time of this transaction, in ms since 1970: all rows that it writes agree on it."""
        ...

    @property
    def dialect(self) -> Dialect: ...

    async def all(self, sql: str, **params: Value) -> Sequence[Row]: ...

    async def one(self, sql: str, **params: Value) -> Row | None: ...

    async def value(self, sql: str, **params: Value) -> Any:
        """The first column of the first row, or None."""
        ...

    async def among(self, sql: str, keys: Sequence[Value], **params: Value) -> list[Row]:
        """All rows of a query that says `IN :keys`; no keys, no query."""
        ...


class Tx(Reader, Protocol):
    """A transaction that writes. It commits when its function returns, and leaves no trace when it raises."""

    async def run(self, sql: str, **params: Value) -> int:
        """How many rows the statement changed."""
        ...

    async def insert(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Run an `INSERT … VALUES :rows …`; how many rows it has written.

        Sort rows that others may update too, so that instances never wait for each other in a circle.
        """
        ...

    async def put(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run it as well, but nobody waits for it: several are one round trip, at the next question or the commit.

        Those that follow each other must be of different tables.
        """
        ...

    async def rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row]:
        """Run an `INSERT … VALUES :rows … RETURNING …`, as above; what it returns."""
        ...

    def on_commit(self, call: Callable[[], None]) -> None:
        """Have `call` run once this transaction is durable; never, if it is rolled back."""
        ...

    async def announce(self, topic: Topic) -> None:
        """Have all listeners, here and on other instances, hear of it once this transaction is durable."""
        ...


Work = Callable[[Tx], Awaitable[T]]


class Database(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    @property
    def instance(self) -> int:
        """Which of the (at most eight) instances that share the database this is: 0 on SQLite."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction and return what it returns, once that is on disk."""
        ...

    def read(self) -> AbstractAsyncContextManager[Reader]: ...

    def listen(self, topic: Topic, call: Callable[[], None]) -> None:
        """Have `call` run on the event loop whenever the topic is announced, and when that may have been missed."""
        ...

    async def copy_to(self, target: Path, look: Callable[[Reader], Awaitable[T]]) -> T:
        """Copy everything into the new file `target`, online; what `look` saw in the very state that was copied.

        SQLite only; Postgres says how to do it with its own tools. Like a transaction, `look` awaits nothing else.
        """
        ...

    async def check_up(self) -> tuple[str, list[str]]:
        """The engine's name and version, and what is wrong with how it is set up: sentences that say what to do."""
        ...

    async def close(self) -> None: ...


class Listeners:
    """Who in this process wants to hear of what."""

    def __init__(self) -> None:
        self._calls: dict[Topic, list[Callable[[], None]]] = defaultdict(list)

    def add(self, topic: Topic, call: Callable[[], None]) -> None:
        self._calls[topic].append(call)

    def tell(self, topics: Iterable[Topic] = Topic) -> None:
        for topic in topics:
            for call in self._calls[topic]:
                call()


@lru_cache(maxsize=1024)
def chunked(count: int) -> tuple[int, ...]:
    """`count` split into the sizes of `CHUNKS`: 170 is 128, 32, 8, 2."""
    sizes: list[int] = []
    for size in CHUNKS:
        times, count = divmod(count, size)
        sizes += [size] * times
    return tuple(sizes)


def key_chunks(sql: str, keys: Sequence[Value], params: Mapping[str, Value]) -> list[tuple[str, dict[str, Value]]]:
    """A query that says `IN :keys` as queries with parameters `:k0, :k1 …`, a chunk of keys each: the last chunk is
    filled up with its last key, which changes nothing."""
    chunks: list[tuple[str, dict[str, Value]]] = []
    for start in range(0, len(keys), CHUNKS[0]):
        some = keys[start : start + CHUNKS[0]]
        size = _FITTING[len(some)]
        named = dict(zip(_KEY_NAMES, chain(some, repeat(some[-1], size - len(some))), strict=False))
        chunks.append((_with_keys(sql, size), {**params, **named}))
    return chunks


@lru_cache(maxsize=1024)
def _with_keys(sql: str, size: int) -> str:
    return sql.replace(":keys", "(" + ", ".join(f":{name}" for name in _KEY_NAMES[:size]) + ")")
