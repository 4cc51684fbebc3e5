"""Every start brings the data to the schema of the program, once, or says why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bugwatch.domain.clock import HOUR
from bugwatch.domain.errors import Unavailable
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.issue_lists import Search, find
from bugwatch.storage.migrate import load, migrate
from bugwatch.storage.postgres import PostgresDatabase
from bugwatch.storage.sqlite import SqliteDatabase
from bugwatch.storage.trends import Scope, volume
from tests.conftest import ROOT


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database: Database
    if request.param == "sqlite":
        database = await SqliteDatabase.open(tmp_path / "bugwatch.db")
    else:
        database = await PostgresDatabase.open(request.getfixturevalue("postgres_url"))
    yield database
    await database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "0001_first.sql").write_text("CREATE TABLE a (id serial, name text NOT NULL) STRICT;")
    return made


async def run(db: Database, folder: Path) -> list[int]:
    return [m.number for m in await migrate(db, load(folder, db.dialect))]


async def test_each_is_applied_once_in_order(empty: Database, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("ALTER TABLE a ADD COLUMN size integer; -- a comment; with a semicolon")

    assert await run(empty, folder) == [1, 2]
    assert await run(empty, folder) == []
    async with empty.read() as tx:
        assert await tx.all("SELECT id, name, size FROM a") == []


async def test_one_that_fails_leaves_no_trace(empty: Database, folder: Path) -> None:
    await run(empty, folder)
    (folder / "0002_bad.sql").write_text("CREATE TABLE b (name text NOT NULL) STRICT; CREATE TABLE a (x text) STRICT;")

    with pytest.raises(Unavailable):
        await run(empty, folder)

    (folder / "0002_bad.sql").write_text("CREATE TABLE b (name text NOT NULL) STRICT;")
    assert await run(empty, folder) == [2]


async def test_data_of_a_newer_program_is_refused_with_both_numbers(empty: Database, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("CREATE TABLE b (name text NOT NULL) STRICT;")
    await run(empty, folder)
    (folder / "0002_second.sql").unlink()

    with pytest.raises(Unavailable, match=r"newer Bugwatch \(its schema is 2, this program knows 1\)"):
        await run(empty, folder)


async def test_a_migration_that_was_altered_is_refused(empty: Database, folder: Path) -> None:
    await run(empty, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE a (id serial) STRICT;")

    with pytest.raises(Unavailable, match="Migration 0001"):
        await run(empty, folder)


async def test_data_is_saved_before_it_is_changed_and_not_when_there_is_none(empty: Database, folder: Path) -> None:
    saved: list[int] = []

    async def save(schema: int) -> None:
        saved.append(schema)

    await migrate(empty, load(folder, empty.dialect), before=save)
    assert saved == []
    (folder / "0002_second.sql").write_text("CREATE TABLE b (name text NOT NULL) STRICT;")
    await migrate(empty, load(folder, empty.dialect), before=save)
    await migrate(empty, load(folder, empty.dialect), before=save)
    assert saved == [1]


async def test_instances_that_start_together_migrate_once(postgres_url: str) -> None:
    databases = [await PostgresDatabase.open(postgres_url) for _ in range(3)]
    migrations = load(ROOT / "migrations", "postgres")
    applied = await asyncio.gather(*(migrate(db, migrations) for db in databases))
    for db in databases:
        await db.close()

    assert sum(len(done) for done in applied) == len(migrations)


def test_what_differs_on_postgres_may_be_written_by_hand(folder: Path) -> None:
    (folder / "0001_first.postgres.sql").write_text("CREATE TABLE a (id bigint PRIMARY KEY);")

    [by_hand] = load(folder, "postgres")
    [translated] = load(folder, "sqlite")
    assert by_hand.statements == ("CREATE TABLE a (id bigint PRIMARY KEY)",)
    assert by_hand.checksum == translated.checksum


async def test_what_had_come_back_before_is_still_known_and_found_by_its_release(empty: Database) -> None:
    shipped = load(ROOT / "migrations", empty.dialect)
    await migrate(empty, [one for one in shipped if one.number < 8])
    histories: dict[int, tuple[str, tuple[str, ...]]] = {
        1: ("unresolved", ("new", "resolved", "regressed", "merged", "unmerged")),
        2: ("unresolved", ("new", "resolved", "regressed", "ignored", "unresolved")),
        3: ("resolved", ("new", "resolved", "regressed", "resolved")),
        4: ("unresolved", ("new",)),
    }

    async def work(tx: Tx) -> None:
        await tx.insert(
            "INSERT INTO tag_values (id, project_id, key, value) VALUES :rows",
            [(1, 1, "environment", "lab"), (2, 1, "release", "1.0"), (3, 1, "color", "1.0")],
        )
        for issue_id, (status, kinds) in histories.items():
            await tx.run(
                """
                INSERT INTO issues (id, project_id, number, status, level, title, title_type, culprit, platform,
                    is_unhandled, first_seen_at, last_seen_at, first_event_id, last_event_id, event_count, stored_count,
                    user_count, status_changed_at)
                VALUES (:id, 1, :id, :status, 3, '', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0)""",
                id=issue_id,
                status=status,
            )
            await tx.insert(
                "INSERT INTO transitions (id, project_id, issue_id, kind, at, lent_until) VALUES :rows",
                [(issue_id * 10 + n, 1, issue_id, kind, 0, 0) for n, kind in enumerate(kinds)],
            )
            await tx.insert(
                "INSERT INTO issue_tags (issue_id, value_id, count, last_id) VALUES :rows",
                [(issue_id, 1 + issue_id % 3, 1, 1)],
            )

    await empty.write(work)
    await migrate(empty, shipped)

    async def found(**terms: Any) -> list[int]:
        async with empty.read() as tx:
            return sorted(issue.id for issue in await find(tx, Search((1,), **terms), "last_seen", 9))

    assert await found(status="regressed") == [1]
    assert await found(environment="lab") == [3]
    assert await found(release="1.0") == [1, 4]


async def test_hours_that_were_counted_before_are_counted_by_level_too(empty: Database) -> None:
    shipped = load(ROOT / "migrations", empty.dialect)
    await migrate(empty, [one for one in shipped if one.number < 7])

    async def work(tx: Tx) -> None:
        for environment_id, level, count in ((1, 3, 5), (2, 3, 6), (1, 4, 7)):
            await tx.run(
                """
                INSERT INTO project_hours (project_id, hour, environment_id, release_id, level, count)
                VALUES (1, 3600000, :environment_id, 0, :level, :count)""",
                environment_id=environment_id,
                level=level,
                count=count,
            )

    await empty.write(work)
    await migrate(empty, shipped)

    async with empty.read() as tx:
        assert await volume(tx, Scope((1,)), 0, HOUR) == {HOUR: (18, 0)}
        rows = await tx.all("SELECT level, count FROM level_hours ORDER BY level")
    assert {row["level"]: row["count"] for row in rows} == {3: 11, 4: 7}
