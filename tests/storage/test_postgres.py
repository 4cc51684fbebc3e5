"""What only Postgres can do to us: lose connections, and let others in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bugwatch.domain.errors import Conflict, Unavailable
from bugwatch.storage.database import Topic, Tx
from bugwatch.storage.postgres import PostgresDatabase


@pytest.fixture
async def first(migrated_postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    database = await PostgresDatabase.open(migrated_postgres_url)
    yield database
    await database.close()


async def nothing(tx: Tx) -> None:
    await tx.value("SELECT 1")


async def cut_off(url: str) -> None:
    """What a restart of the server does to all that are connected to this database (their pools come back at once)."""
    connection = await asyncpg.connect(url)
    cut = await connection.fetch(
        """
        SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
    )
    left = "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = ANY($1::int[])"
    async with asyncio.timeout(60):
        while True:
            if not await connection.fetchval(left, [row["pid"] for row in cut]):
                break
            await asyncio.sleep(0.01)
    await connection.close()


async def recovered(database: PostgresDatabase) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                return await database.write(nothing)
            except Unavailable:
                await asyncio.sleep(0.01)


async def test_an_instance_that_was_cut_off_takes_its_own_place_again(
    first: PostgresDatabase, migrated_postgres_url: str
) -> None:
    await cut_off(migrated_postgres_url)
    await recovered(first)
    second = await PostgresDatabase.open(migrated_postgres_url)

    assert (first.instance, second.instance) == (0, 1)
    await second.close()


async def test_an_instance_whose_place_was_taken_meanwhile_writes_no_more(
    first: PostgresDatabase, migrated_postgres_url: str
) -> None:
    await cut_off(migrated_postgres_url)
    second = await PostgresDatabase.open(migrated_postgres_url)
    assert second.instance == first.instance

    with pytest.raises(Unavailable, match="Restart"):
        await first.write(nothing)
    await second.close()


async def test_a_server_that_is_gone_is_unavailable_for_readers_too(
    first: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone:
        def acquire(self) -> None:
            raise ConnectionRefusedError("nobody listens at 10.1.2.3")

    monkeypatch.setattr(first, "pool", Gone())
    with pytest.raises(Unavailable) as told:
        async with first.read() as tx:
            await tx.value("SELECT 1")

    assert "10.1.2.3" not in str(told.value)  # whoever asked hears it, and the log has the rest
    assert "10.1.2.3" in caplog.text


async def test_a_change_is_heard_by_every_instance_once_it_is_committed(
    first: PostgresDatabase, migrated_postgres_url: str
) -> None:
    second = await PostgresDatabase.open(migrated_postgres_url)
    here, there, elsewhere = asyncio.Event(), asyncio.Event(), asyncio.Event()
    first.listen(Topic.PROJECTS, here.set)
    second.listen(Topic.PROJECTS, there.set)
    second.listen(Topic.ARTIFACTS, elsewhere.set)

    async def change(tx: Tx) -> None:
        await tx.announce(Topic.PROJECTS)
        await tx.announce(Topic.PROJECTS)

    async def break_off(tx: Tx) -> None:
        await tx.announce(Topic.ARTIFACTS)
        raise Conflict("No.")

    with pytest.raises(Conflict):
        await first.write(break_off)
    await first.write(change)

    assert here.is_set()  # without a round trip
    await asyncio.wait_for(there.wait(), 20)
    assert not elsewhere.is_set()
    await second.close()


async def test_who_was_cut_off_reads_everything_anew(first: PostgresDatabase, migrated_postgres_url: str) -> None:
    heard = {topic: asyncio.Event() for topic in Topic}
    for topic, event in heard.items():
        first.listen(topic, event.set)

    await cut_off(migrated_postgres_url)
    await recovered(first)
    assert all(event.is_set() for event in heard.values())

    heard[Topic.INSTANCE].clear()
    second = await PostgresDatabase.open(migrated_postgres_url)
    await second.write(lambda tx: tx.announce(Topic.INSTANCE))
    await asyncio.wait_for(heard[Topic.INSTANCE].wait(), 20)  # it listens again
    await second.close()
