"""The seam: what both engines promise, by the same tests."""

from __future__ import annotations

import asyncio
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bugwatch.domain.errors import Conflict, Unavailable
from bugwatch.storage import sqlite
from bugwatch.storage.database import Database, Topic, Tx, chunked


async def put(tx: Tx, name: str, value: str = "x") -> None:
    await tx.run("INSERT INTO settings (name, value) VALUES (:name, :value)", name=name, value=value)


async def names(db: Database) -> list[str]:
    async with db.read() as tx:
        return [row["name"] for row in await tx.all("SELECT name FROM settings ORDER BY name")]


async def test_what_a_transaction_wrote_is_there_for_everybody(db: Database) -> None:
    await db.write(lambda tx: put(tx, "a"))

    assert await names(db) == ["a"]


async def test_a_transaction_that_raises_leaves_no_trace(db: Database) -> None:
    async def fail(tx: Tx) -> None:
        await put(tx, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(fail)

    assert await names(db) == []


async def test_what_is_to_follow_the_commit_follows_it_and_only_it(db: Database) -> None:
    followed: list[str] = []

    async def good(tx: Tx) -> None:
        await put(tx, "a")
        tx.on_commit(lambda: followed.append("good"))

    async def bad(tx: Tx) -> None:
        tx.on_commit(lambda: followed.append("bad"))
        await put(tx, "a")

    await db.write(good)
    with pytest.raises(Conflict):
        await db.write(bad)

    assert followed == ["good"]


async def test_rows_of_any_number_go_in_and_come_back(db: Database) -> None:
    async def write(tx: Tx) -> int:
        rows = [(f"{n:04}", str(n)) for n in range(300)]
        return len(await tx.rows("INSERT INTO settings (name, value) VALUES :rows RETURNING name", rows))

    assert await db.write(write) == 300
    async with db.read() as tx:
        found = await tx.among("SELECT name FROM settings WHERE name IN :keys", [f"{n:04}" for n in range(0, 400, 2)])
    assert len(found) == 150


@pytest.mark.parametrize("count", [0, 1, 5, 13, 127, 128, 129, 300])
async def test_among_any_number_of_keys_each_is_found_once(db: Database, count: int) -> None:
    await db.write(
        lambda tx: tx.insert("INSERT INTO settings (name, value) VALUES :rows", [(f"{n:04}", "") for n in range(301)])
    )

    async with db.read() as tx:
        found = await tx.among("SELECT name FROM settings WHERE name IN :keys", [f"{n:04}" for n in range(count)])
    assert sorted(row["name"] for row in found) == [f"{n:04}" for n in range(count)]


async def test_an_insert_tells_how_many_rows_were_new(db: Database) -> None:
    async def write(tx: Tx) -> int:
        rows = [(f"{n:04}", str(n)) for n in range(300)]
        sql = "INSERT INTO settings (name, value) VALUES :rows ON CONFLICT (name) DO NOTHING"
        await tx.insert(sql, rows[:140])
        return await tx.insert(sql, rows)

    assert await db.write(write) == 160


async def test_what_is_put_is_there_for_the_next_question_and_at_the_commit(db: Database) -> None:
    settings = "INSERT INTO settings (name, value) VALUES :rows"
    bundles = "INSERT INTO bundle_projects (project_id, bundle_id, uploaded_at) VALUES :rows"

    async def write(tx: Tx) -> int:
        await tx.put(settings, [("a", "x"), ("b", "y")])
        await tx.put(bundles, [(1, 2, 3), (1, 3, 3)])
        await tx.put(settings, [("c", "z")])
        await tx.put(bundles, [])
        asked: int = await tx.value("SELECT COUNT(*) FROM settings")
        await tx.put(settings, [("d", "z")])
        await tx.put(bundles, [(2, 2, 3)])
        return asked

    assert await db.write(write) == 3
    assert await names(db) == ["a", "b", "c", "d"]
    async with db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM bundle_projects") == 3


async def test_bytes_and_nothing_come_back_as_they_went_in(db: Database) -> None:
    await db.write(
        lambda tx: tx.insert(
            "INSERT INTO artifact_bundles (sha1, debug_id, size, chunks, error, uploaded_at) VALUES :rows",
            [(b"\x00\xff", "", 1, "", "", 1)],
        )
    )

    async with db.read() as tx:
        assert bytes(await tx.value("SELECT sha1 FROM artifact_bundles")) == b"\x00\xff"
        assert await tx.value("SELECT CAST(:nothing AS bigint)", nothing=None) is None


async def test_no_rows_and_no_keys_ask_nothing(db: Database) -> None:
    async def write(tx: Tx) -> None:
        assert await tx.insert("not even SQL :rows", []) == 0
        assert await tx.rows("not even SQL :rows", []) == []
        assert await tx.among("nor this :keys", []) == []

    await db.write(write)


async def test_a_reader_cannot_write(db: Database) -> None:
    if db.dialect == "postgres":
        pytest.skip("On Postgres readers share the pool; the type keeps them from writing.")
    with pytest.raises(Unavailable):
        async with db.read() as tx:
            await tx.all("INSERT INTO settings (name, value) VALUES ('a', 'b')")


async def test_writers_at_once_lose_nothing(db: Database) -> None:
    await asyncio.gather(*(db.write(lambda tx, n=n: put(tx, f"{n:03}")) for n in range(50)))  # type: ignore[misc]

    assert len(await names(db)) == 50


async def test_a_transaction_that_waits_for_anything_else_fails_loudly(db: Database) -> None:
    async def sleepy(tx: Tx) -> None:
        await put(tx, "a")
        await asyncio.sleep(0)

    if db.dialect == "postgres":
        await db.write(sleepy)
    else:
        with pytest.raises(RuntimeError, match="other than its tx"):
            await db.write(sleepy)
        assert await names(db) == []


async def test_closing_twice_is_fine(db: Database) -> None:
    await db.close()
    await db.close()


def test_rows_come_in_chunks_that_add_up() -> None:
    assert chunked(170) == (128, 32, 8, 2)
    assert chunked(0) == ()


def test_an_old_sqlite_is_refused_with_both_numbers() -> None:
    with pytest.raises(Unavailable, match=r"3\.46\.0 is too old: Bugwatch needs 3\.51\.3"):
        sqlite.assert_version((3, 46, 0))


async def test_a_reader_that_takes_long_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "bugwatch.db"
    with closing(sqlite._connect(path)) as writer, closing(sqlite._connect(path, read_only=True)) as reader:
        writer.execute("CREATE TABLE t (n integer)")
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM t").fetchall()
        writer.execute("INSERT INTO t VALUES (1)")
        async with asyncio.timeout(8):  # its patience with locks is ten seconds
            await asyncio.to_thread(sqlite._checkpoint, writer)

        assert writer.execute("PRAGMA busy_timeout").fetchone()[0] == 10_000


async def test_what_is_announced_is_heard_once_it_is_committed_also_where_the_caller_went_away(db: Database) -> None:
    heard: list[str] = []
    for topic in (Topic.PROJECTS, Topic.ARTIFACTS):
        db.listen(topic, partial(heard.append, topic))

    async def announce(tx: Tx) -> None:
        await tx.announce(Topic.PROJECTS)

    async def break_off(tx: Tx) -> None:
        await tx.announce(Topic.ARTIFACTS)
        raise Conflict("No.")

    await db.write(announce)
    with pytest.raises(Conflict):
        await db.write(break_off)
    assert set(heard) == {Topic.PROJECTS}

    if db.dialect == "sqlite":  # on Postgres whoever goes away takes back what is not committed
        heard.clear()
        gone = asyncio.create_task(db.write(announce))
        await asyncio.sleep(0)
        gone.cancel()
        await db.write(lambda tx: tx.run("SELECT 1"))
        assert heard == [Topic.PROJECTS]
