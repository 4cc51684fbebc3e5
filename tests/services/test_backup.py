"""A backup is whole or not there, and holds what was there; what is not a good backup never becomes the data."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bugwatch import resources
from bugwatch.config import Config
from bugwatch.domain.clock import HOUR
from bugwatch.domain.errors import Conflict, Invalid, NotFound, Unavailable
from bugwatch.main import open_database
from bugwatch.services import backup
from bugwatch.services.backup import Backups
from bugwatch.storage.data_dir import DataDir
from bugwatch.storage.database import Database, Reader, Tx
from bugwatch.storage.migrate import Migration, load, migrate
from bugwatch.storage.postgres import PostgresDatabase
from bugwatch.storage.sqlite import SqliteDatabase
from tests.conftest import FakeClock

MIGRATIONS = load(resources.migrations(), "sqlite")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    with DataDir(tmp_path / "data") as held:
        yield held


@pytest.fixture
async def live(data_dir: DataDir, clock: FakeClock) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(data_dir.database, clock)
    await migrate(database, MIGRATIONS)
    yield database
    await database.close()


async def put(db: Database, *names: str) -> None:
    async def work(tx: Tx) -> None:
        await tx.rows("INSERT INTO settings (name, value) VALUES :rows", [(name, "x" * 1000) for name in names])

    await db.write(work)


async def names(data_dir: DataDir) -> list[str]:
    db = await SqliteDatabase.open(data_dir.database)
    async with db.read() as tx:
        found = [row["name"] for row in await tx.all("SELECT name FROM settings ORDER BY name")]
    await db.close()
    return found


async def test_a_backup_holds_what_was_there_and_is_one_private_file(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock
) -> None:
    await put(live, "a", "b")

    copy = await Backups(live, data_dir, clock).take()

    assert copy.counts["settings"] == 2
    assert copy.schema == MIGRATIONS[-1].number
    assert copy.path.name == "bugwatch-2026-09-21T14-13-20.000Z.db"
    assert copy.path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(copy.path.parent) == [copy.path.name]
    assert copy.path.read_bytes()[18:20] == b"\1\1", "a copy in WAL mode could not be opened on a read-only disk"


async def test_what_is_written_during_the_copy_is_in_it_whole_or_not_at_all(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock
) -> None:
    await put(live, *(f"{n:04}" for n in range(1000)))
    taking = asyncio.ensure_future(Backups(live, data_dir, clock).take())
    written = 0
    while not taking.done():
        await put(live, f"late-{written}-a", f"late-{written}-b")
        written += 1

    copy = await taking

    assert written > 0
    assert 1000 <= copy.counts["settings"] <= 1000 + 2 * written
    assert copy.counts["settings"] % 2 == 0


async def test_a_copy_with_other_counts_is_not_kept(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def miscount(tx: Reader) -> dict[str, int]:
        return {"settings": 3}

    monkeypatch.setattr(live, "copy_to", lambda target, look: SqliteDatabase.copy_to(live, target, miscount))

    with pytest.raises(Unavailable, match="Nothing was kept"):
        await Backups(live, data_dir, clock).take()

    assert os.listdir(data_dir.backups) == []


async def test_a_folder_and_a_file_may_be_named(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    backups = Backups(live, data_dir, clock)

    assert (await backups.take(tmp_path)).path.parent == tmp_path
    assert (await backups.take(tmp_path / "mine.db")).path == tmp_path / "mine.db"


async def test_nothing_is_overwritten(live: SqliteDatabase, data_dir: DataDir, clock: FakeClock) -> None:
    with pytest.raises(Conflict, match="there already"):
        await Backups(live, data_dir, clock).take(data_dir.database)


@pytest.mark.parametrize("place", ["no/such/folder/x.db", "data/bugwatch.db/x.db"])
async def test_a_place_that_cannot_be_written_is_named(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path, place: str
) -> None:
    with pytest.raises(Unavailable, match="cannot be written to"):
        await Backups(live, data_dir, clock).take(tmp_path / place)


async def test_too_little_space_is_said_before_anything_is_written(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda path: type("U", (), {"free": 10})())

    with pytest.raises(Unavailable, match="A backup needs 1 MB"):
        await Backups(live, data_dir, clock).take()


async def test_what_a_killed_backup_left_is_swept_once_it_is_old(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    old, young = tmp_path / "a.db.partial", tmp_path / "b.db.partial"
    for path, age in ((old, 2 * HOUR), (young, HOUR // 2)):
        path.touch()
        os.utime(path, ((clock.now - age) / 1000,) * 2)

    await Backups(live, data_dir, clock).take(tmp_path)

    assert (old.exists(), young.exists()) == (False, True)


async def test_two_at_once_do_not_write_into_each_other(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    await put(live, *(f"{n:04}" for n in range(500)))
    backups = Backups(live, data_dir, clock)
    target = tmp_path / "x.db"
    target.with_name("x.db.partial").write_bytes(b"what a killed one left")

    first, second = await asyncio.gather(backups.take(target), backups.take(target), return_exceptions=True)

    assert isinstance(second, Conflict)
    assert not isinstance(first, BaseException)
    assert (await backup.verify(target)).counts == first.counts


async def test_a_disk_that_fails_at_the_end_leaves_nothing(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(backup.os, "fsync", fail)
    with pytest.raises(Unavailable, match="Input/output error"):
        await Backups(live, data_dir, clock).take(tmp_path / "x.db")

    assert os.listdir(tmp_path) == ["data"]


async def test_postgres_says_how_it_is_done_there(postgres_url: str, data_dir: DataDir, clock: FakeClock) -> None:
    db = await PostgresDatabase.open(postgres_url, clock)

    with pytest.raises(Unavailable, match="pg_dump"):
        await Backups(db, data_dir, clock).take()

    await db.close()


async def test_data_is_copied_before_it_is_upgraded(data_dir: DataDir, clock: FakeClock) -> None:
    old = await SqliteDatabase.open(data_dir.database, clock)
    await migrate(old, MIGRATIONS[:1])
    await old.close()

    db = await open_database(Config(data_dir=data_dir.path), data_dir, clock)
    await db.close()

    [kept] = data_dir.backups.iterdir()
    assert kept.name.startswith("before-upgrade-from-schema-0001-")
    assert (await backup.verify(kept)).schema == 1


async def test_restoring_brings_back_what_was_there_and_keeps_what_is_there(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    await put(live, "then")
    copy = await Backups(live, data_dir, clock).take(tmp_path)
    await put(live, "later")
    await live.close()

    staged = await backup.stage(data_dir, copy.path, MIGRATIONS)
    kept = await backup.put_in_place(data_dir, staged, clock)

    assert await names(data_dir) == ["then"]
    assert copy.path.exists()
    assert kept is not None
    staged = await backup.stage(data_dir, kept, MIGRATIONS)
    await backup.put_in_place(data_dir, staged, lambda: clock.now + 1)
    assert await names(data_dir) == ["later", "then"]


async def test_what_is_kept_aside_holds_also_what_a_killed_server_had_only_in_its_wal(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    copy = await Backups(live, data_dir, clock).take(tmp_path)
    await put(live, "in the wal")
    with DataDir(tmp_path / "crashed") as crashed:
        for suffix in ("", "-wal"):
            (crashed.path / f"bugwatch.db{suffix}").write_bytes((data_dir.path / f"bugwatch.db{suffix}").read_bytes())

        kept = await backup.put_in_place(crashed, await backup.stage(crashed, copy.path, MIGRATIONS), clock)

        assert kept is not None
        assert (await backup.verify(kept)).counts["settings"] == 1
        assert not [path for path in crashed.path.iterdir() if "-wal" in path.name or "-shm" in path.name]


async def test_a_damaged_database_is_kept_aside_as_it_is(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    copy = await Backups(live, data_dir, clock).take(tmp_path)
    with DataDir(tmp_path / "damaged") as damaged:
        damaged.database.write_bytes(b"garbage" * 1000)

        kept = await backup.put_in_place(damaged, await backup.stage(damaged, copy.path, MIGRATIONS), clock)

        assert kept is not None
        assert kept.read_bytes() == b"garbage" * 1000
        assert await names(damaged) == []


async def test_restoring_into_an_empty_folder_keeps_nothing(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    copy = await Backups(live, data_dir, clock).take(tmp_path)
    with DataDir(tmp_path / "new") as fresh:
        assert await backup.put_in_place(fresh, await backup.stage(fresh, copy.path, MIGRATIONS), clock) is None
        assert fresh.database.stat().st_mode & 0o777 == 0o600


def truncated(good: bytes) -> bytes:
    return good[: len(good) // 2]


def flipped(good: bytes) -> bytes:
    middle = len(good) // 2
    return good[:middle] + bytes(byte ^ 0xFF for byte in good[middle : middle + 4096]) + good[middle + 4096 :]


@pytest.mark.parametrize("spoil", [truncated, flipped, lambda _: b"", lambda _: b"hello", lambda good: good[:100]])
async def test_a_spoiled_backup_is_refused_and_nothing_is_touched(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path, spoil: object
) -> None:
    await put(live, *(f"{n:03}" for n in range(200)))
    copy = await Backups(live, data_dir, clock).take(tmp_path)
    copy.path.write_bytes(spoil(copy.path.read_bytes()))  # type: ignore[operator]
    await live.close()
    before = sorted(os.listdir(data_dir.path))

    with pytest.raises(Invalid, match=f"{copy.path} is not a good backup"):
        await backup.stage(data_dir, copy.path, MIGRATIONS)

    assert sorted(os.listdir(data_dir.path)) == before
    assert len(await names(data_dir)) == 200


async def test_somebody_elses_database_is_refused(data_dir: DataDir, tmp_path: Path) -> None:
    other = await SqliteDatabase.open(tmp_path / "other.db")
    await other.write(lambda tx: tx.run("CREATE TABLE recipes (name text)"))
    await other.close()

    with pytest.raises(Invalid, match="not one of Bugwatch"):
        await backup.stage(data_dir, tmp_path / "other.db", MIGRATIONS)


async def test_a_backup_of_a_newer_bugwatch_is_refused(
    live: SqliteDatabase, data_dir: DataDir, clock: FakeClock, tmp_path: Path
) -> None:
    await migrate(live, [*MIGRATIONS, Migration(9999, "future", "x", ("CREATE TABLE future (id integer)",))])
    copy = await Backups(live, data_dir, clock).take(tmp_path)

    with pytest.raises(Invalid, match="newer Bugwatch"):
        await backup.stage(data_dir, copy.path, MIGRATIONS)


async def test_the_database_itself_is_no_backup(live: SqliteDatabase, data_dir: DataDir) -> None:
    with pytest.raises(Invalid, match="the database itself"):
        await backup.stage(data_dir, data_dir.database, MIGRATIONS)


async def test_a_raw_copy_with_its_wal_is_refused(live: SqliteDatabase, data_dir: DataDir, tmp_path: Path) -> None:
    await put(live, "a")
    for suffix in ("", "-wal"):
        (tmp_path / f"raw.db{suffix}").write_bytes((data_dir.path / f"bugwatch.db{suffix}").read_bytes())

    with pytest.raises(Invalid, match="live database"):
        await backup.stage(data_dir, tmp_path / "raw.db", MIGRATIONS)


@pytest.mark.parametrize("place", ["nothing.db", "."])
async def test_what_is_no_file_is_not_found(data_dir: DataDir, tmp_path: Path, place: str) -> None:
    with pytest.raises(NotFound):
        await backup.stage(data_dir, tmp_path / place, MIGRATIONS)
