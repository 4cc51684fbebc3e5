"""Each illness is found and named with its remedy; the healthy get no advice."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from bugwatch import resources
from bugwatch.domain.clock import DAY, HOUR
from bugwatch.domain.ids import EPOCH_2026
from bugwatch.domain.outcome import Booking, Category, Outcome
from bugwatch.domain.site import Site
from bugwatch.services import doctor
from bugwatch.services.doctor import Doctor, Finding, Grade
from bugwatch.storage import ledger, spool
from bugwatch.storage.data_dir import DataDir
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.migrate import Migration, load, migrate
from bugwatch.storage.postgres import PostgresDatabase
from bugwatch.storage.sqlite import SqliteDatabase
from tests import make
from tests.conftest import NOON, FakeClock

SITE = Site("http://127.0.0.1:8470")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    with DataDir(tmp_path / "data") as held:
        yield held


@pytest.fixture
def examined(db: Database, data_dir: DataDir, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    async def no_complaints() -> tuple[str, list[str]]:
        return "PostgreSQL", []

    if db.dialect == "postgres":  # the one of the tests may forget what it was told: it is in a hurry
        monkeypatch.setattr(db, "check_up", no_complaints)
    migrations = load(resources.migrations(), db.dialect)
    return Doctor(db, data_dir, clock, SITE, migrations, host="127.0.0.1", disk_floor=0)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(tmp_path / "x.db")
    await migrate(database, load(resources.migrations(), "sqlite"))
    yield database
    await database.close()


async def wrong(examined: Doctor) -> dict[str, str]:
    return {found.subject: found.sentence for found in await examined.examine() if found.grade is Grade.WRONG}


async def test_the_healthy_are_told_so(examined: Doctor) -> None:
    findings = await examined.examine()

    assert {found.grade for found in findings} == {Grade.OK}, findings
    assert len({found.subject for found in findings}) == len(findings) == 11


@pytest.mark.parametrize("value", ["on", "off"])
async def test_a_postgres_that_may_forget_is_found(postgres_url: str, value: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {value}")
    await connection.close()

    db = await PostgresDatabase.open(postgres_url)
    name, wrong = await db.check_up()
    await db.close()

    assert name.startswith("PostgreSQL 1")
    assert any("synchronous_commit = off" in sentence for sentence in wrong) == (value == "off")


async def test_a_ledger_that_does_not_add_up_is_found(db: Database, examined: Doctor) -> None:
    shop = await make.project(db)
    booking = Booking(shop, NOON - NOON % HOUR, Category.ERROR, Outcome.RECEIVED, "")
    await db.write(lambda tx: ledger.book(tx, {booking: 3}, 0))

    found = await wrong(examined)

    assert list(found) == ["ledger"]
    assert f"Project {shop}, error, hour 2026-09-21T14:00:00.000Z" in found["ledger"]
    assert "by 3" in found["ledger"]


async def test_what_waits_is_in_the_sum_and_what_failed_is_told(db: Database, examined: Doctor) -> None:
    shop = await make.project(db)
    arrival = make.arrival(shop, NOON)
    booking = Booking(shop, arrival.hour, Category.ERROR, Outcome.RECEIVED, "")

    async def work(tx: Tx) -> None:
        await ledger.book(tx, {booking: 1}, 0)
        await spool.put(tx, [(arrival, "poison")])

    await db.write(work)

    assert list(await wrong(examined)) == ["spool"]


async def test_events_that_are_gone_uncounted_are_found(db: Database, examined: Doctor) -> None:
    shop = await make.project(db)
    hour = NOON - NOON % HOUR
    counts = {Booking(shop, hour, Category.ERROR, outcome, ""): 2 for outcome in (Outcome.RECEIVED, Outcome.STORED)}
    await db.write(lambda tx: ledger.book(tx, counts, 0))

    assert f"Project {shop}: 2 more were stored" in (await wrong(examined))["ledger"]


@pytest.mark.parametrize(
    "reference", doctor.doctor.REFERENCES, ids=lambda ref: f"{ref.table}.{ref.column}-{ref.parent}"
)
async def test_a_row_without_its_parent_is_found(sqlite: SqliteDatabase, reference: doctor.doctor.Reference) -> None:
    async def work(tx: Tx) -> None:
        columns = await tx.all(f"SELECT name, type FROM pragma_table_info('{reference.table}')")
        blank: dict[str, str | bytes] = {"TEXT": "x", "BLOB": b"x"}
        names = [row["name"] for row in columns]
        # Each number is another one, so that no row is its own parent.
        row = [blank.get(column["type"].upper(), 424242 + number) for number, column in enumerate(columns)]
        await tx.rows(f"INSERT INTO {reference.table} ({', '.join(names)}) VALUES :rows", [row])

    await sqlite.write(work)

    async with sqlite.read() as tx:
        assert await doctor.doctor.orphans(tx, reference) == 1


async def test_data_that_awaits_an_upgrade_is_a_note_and_newer_data_an_illness(
    db: Database, data_dir: DataDir, clock: FakeClock
) -> None:
    known = load(resources.migrations(), db.dialect)

    async def schema(migrations: list[Migration]) -> Finding:
        doctor_of = Doctor(db, data_dir, clock, SITE, migrations, host="127.0.0.1", disk_floor=0)
        return next(found for found in await doctor_of.examine() if found.subject == "schema")

    later = await schema([*known, Migration(9999, "future", "x", ())])
    newer = await schema(known[:-1])

    assert later.grade is Grade.NOTE
    assert "to 9999" in later.sentence
    assert newer.grade is Grade.WRONG
    assert "newer Bugwatch" in newer.sentence


async def test_no_data_yet_is_no_illness(data_dir: DataDir, clock: FakeClock) -> None:
    db = await SqliteDatabase.open(data_dir.database, clock)
    findings = await Doctor(db, data_dir, clock, SITE, [], host="127.0.0.1", disk_floor=0).examine()
    await db.close()

    assert [found.sentence for found in findings if found.grade is not Grade.OK] == [
        "There is no data yet: the first start makes it."
    ]


async def test_a_file_that_was_made_by_another_program_is_found(tmp_path: Path, clock: FakeClock) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    db = await SqliteDatabase.open(tmp_path / "x.db", clock)

    name, wrong = await db.check_up()
    await db.close()

    assert name.startswith("SQLite 3.")
    assert len(wrong) == 1
    assert "auto_vacuum" in wrong[0]


@pytest.mark.parametrize(("free", "grade"), [(99, Grade.WRONG), (100, Grade.NOTE), (399, Grade.NOTE), (400, Grade.OK)])
def test_the_disk_before_and_under_its_floor(free: int, grade: Grade) -> None:
    assert doctor.of_disk(free, 100).grade is grade


@pytest.mark.parametrize(("limit", "grade"), [(256, Grade.WRONG), (1024, Grade.OK), (-1, Grade.OK)])
def test_the_limit_of_open_files(limit: int, grade: Grade) -> None:
    assert doctor.of_open_files(limit).grade is grade


@pytest.mark.parametrize(
    ("url", "host", "proxies", "grade"),
    [
        ("http://127.0.0.1:8470", "127.0.0.1", (), Grade.OK),
        ("http://localhost:8470", "0.0.0.0", (), Grade.NOTE),
        ("http://nas.lan:8470", "0.0.0.0", (), Grade.OK),
        ("https://bugs.example.com", "127.0.0.1", (), Grade.NOTE),
        ("https://bugs.example.com", "127.0.0.1", (ipaddress.ip_network("127.0.0.1/32"),), Grade.OK),
    ],
)
def test_addresses_that_others_cannot_reach(
    url: str, host: str, proxies: tuple[ipaddress.IPv4Network, ...], grade: Grade
) -> None:
    assert doctor.of_addresses(Site(url, trusted_proxies=proxies), host).grade is grade


@pytest.mark.parametrize(
    ("now", "newest", "grade"),
    [
        (NOON, None, Grade.OK),
        (NOON, NOON, Grade.OK),
        (NOON, NOON + 2 * HOUR, Grade.WRONG),
        (NOON, NOON + 9 * DAY, Grade.WRONG),
        (EPOCH_2026 - 1, None, Grade.WRONG),
    ],
)
def test_a_clock_that_cannot_be_right(now: int, newest: int | None, grade: Grade) -> None:
    assert doctor.of_clock(now, newest).grade is grade


def test_a_folder_that_others_can_enter(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch(0o644)

    tmp_path.chmod(0o700)
    assert doctor.of_permissions(tmp_path).grade is Grade.OK
    tmp_path.chmod(0o755)
    found = doctor.of_permissions(tmp_path)
    assert found.grade is Grade.WRONG
    assert "secret.key" in found.sentence
    (tmp_path / "secret.key").chmod(0o600)
    assert doctor.of_permissions(tmp_path).grade is Grade.OK


@pytest.mark.parametrize(("kind", "grade"), [("nfs4", Grade.WRONG), ("ext4", Grade.OK), ("", Grade.OK)])
def test_a_network_file_system(tmp_path: Path, kind: str, grade: Grade) -> None:
    assert doctor.of_file_system(tmp_path, kind).grade is grade


def test_many_offenders_are_told_in_few_words() -> None:
    found = doctor._found("ledger", "", [f"Number {n} is wrong." for n in range(9)])

    assert found.sentence.endswith("Number 4 is wrong. And 4 more like this.")
