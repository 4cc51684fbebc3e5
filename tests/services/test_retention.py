"""What was deleted goes, whole and counted; everything else stays."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bugwatch.domain.artifact import Upload
from bugwatch.domain.batch import Batch, NewAttachment, NewEvent, NewRawItem, received
from bugwatch.domain.clock import DAY, HOUR, MINUTE
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Category
from bugwatch.domain.source_link import SourceLink
from bugwatch.services import retention
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.services.retention import Retention
from bugwatch.services.sessions import ABSOLUTE, IDLE
from bugwatch.storage import (
    accounts,
    artifact_bundles,
    doctor,
    issue_states,
    ledger,
    projects,
    releases,
    source_links,
)
from bugwatch.storage.database import Database, Tx
from tests import make
from tests.conftest import FakeClock

OF_A_PROJECT = [
    "events",
    "payloads",
    "event_order",
    "issues",
    "issue_hashes",
    "issue_tags",
    "issue_users",
    "issue_hours",
    "project_hours",
    "level_hours",
    "tag_values",
    "users",
    "transitions",
    "ledger",
    "spool",
    "attachments",
    "content_chunks",
    "raw_items",
    "bundle_projects",
    "bundle_releases",
    "artifact_revisions",
    "release_projects",
    "dictionaries",
    "api_keys",
    "project_keys",
    "project_members",
    "source_links",
]


@pytest.fixture
async def digest(db: Database, clock: FakeClock) -> AsyncIterator[Digest]:
    digest = Digest(db, Ids(clock), Compression(db))
    await digest.start()
    yield digest
    await digest.stop()


@pytest.fixture
def purge(db: Database, monkeypatch: pytest.MonkeyPatch) -> Retention:
    monkeypatch.setattr(retention, "SLICE", 8)
    monkeypatch.setattr(retention, "PAUSE_S", 0)
    return Retention(db, make.SECRET)


async def store(digest: Digest, *new: NewEvent | NewAttachment | NewRawItem) -> None:
    batch = Batch()
    for one in new:
        batch.add(one)
        batch.bookings[received(one.arrival)] += 1
    await digest.store(batch)


async def count(db: Database, table: str) -> int:
    async with db.read() as tx:
        found: int = await tx.value(f"SELECT COUNT(*) FROM {table}")
    return found


async def healthy(db: Database) -> bool:
    async with db.read() as tx:
        orphans = [await doctor.orphans(tx, reference) for reference in doctor.REFERENCES]
        return not (any(orphans) or await doctor.unbalanced(tx) or await doctor.uncounted(tx))


def attachment(event: NewEvent, content: bytes) -> NewAttachment:
    arrival = make.arrival(
        event.project_id,
        event.arrival.received_at,
        category=Category.ATTACHMENT,
        item_type="attachment",
        payload=content,
        filename="log.txt",
    )
    return NewAttachment(arrival, event.key, content.ljust(32, b"\0"))


async def mark_issue(db: Database, title: str) -> int:
    async def work(tx: Tx) -> int:
        issue_id: int = await tx.value("SELECT id FROM issues WHERE title = :title", title=f"ValueError: {title}")
        await issue_states.delete(tx, issue_id)
        return issue_id

    return await db.write(work)


async def test_a_deleted_issue_goes_with_its_events_and_leaves_the_others(
    db: Database, digest: Digest, purge: Retention, clock: FakeClock
) -> None:
    shop = await make.project(db)
    doomed = [make.event(shop, clock.now - n * HOUR, issue="doomed", user=f"u{n}") for n in range(20)]
    kept = [make.event(shop, clock.now - n * HOUR, issue="kept", release="1.0", user="ada") for n in range(3)]
    await store(digest, *doomed, *kept, attachment(doomed[0], b"a"), attachment(kept[0], b"b"))
    await mark_issue(db, "doomed")

    await purge.purge_deleted()

    for table, left in {"events": 3, "payloads": 3, "event_order": 3, "issues": 1, "issue_users": 1}.items():
        assert await count(db, table) == left, table
    assert await count(db, "attachments") == await count(db, "content_chunks") == 1
    assert await healthy(db)
    async with db.read() as tx:
        totals = await ledger.totals(tx, shop, Category.ERROR)
        files = await ledger.totals(tx, shop, Category.ATTACHMENT)
        hours = await tx.value("SELECT CAST(SUM(count) AS bigint) FROM project_hours")
        levels = await tx.value("SELECT CAST(SUM(count) AS bigint) FROM level_hours")
    assert (totals["stored"], totals["deleted"]) == (23, 20)
    assert files["deleted"] == 1
    assert hours == levels == 3


async def test_a_deleted_event_that_is_sent_again_is_a_repeat(
    db: Database, digest: Digest, purge: Retention, clock: FakeClock
) -> None:
    shop = await make.project(db)
    await store(digest, make.event(shop, clock.now, event_id="ab" * 16))
    await mark_issue(db, "one")
    await purge.purge_deleted()

    await store(digest, make.event(shop, clock.now, event_id="ab" * 16))

    assert await count(db, "events") == 0
    assert await healthy(db)


async def test_content_that_another_event_uses_stays(
    db: Database, digest: Digest, purge: Retention, clock: FakeClock
) -> None:
    shop = await make.project(db)
    doomed, kept = make.event(shop, clock.now, issue="doomed"), make.event(shop, clock.now, issue="kept")
    await store(digest, doomed, kept, attachment(doomed, b"same"), attachment(kept, b"same"))
    await mark_issue(db, "doomed")

    await purge.purge_deleted()

    assert await count(db, "content_chunks") == 1
    assert await healthy(db)


async def test_it_may_be_stopped_after_any_slice(
    db: Database, digest: Digest, purge: Retention, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await make.project(db)
    await store(digest, *(make.event(shop, clock.now, issue=f"i{n % 3}", user=f"u{n}") for n in range(30)))
    await db.write(lambda tx: projects.delete(tx, shop))
    clock.now += HOUR

    async def stop(_: float) -> None:
        raise InterruptedError

    monkeypatch.setattr(retention.asyncio, "sleep", stop)
    slices = 0
    while await count(db, "projects"):
        try:
            await purge.purge_deleted()
        except InterruptedError:
            slices += 1
        assert await healthy(db)
    assert slices > 10


async def test_a_deleted_project_goes_with_all_that_is_its_own(
    db: Database, digest: Digest, purge: Retention, clock: FakeClock
) -> None:
    shop, other = await make.project(db, "shop"), await make.project(db, "other")
    for project in (shop, other):
        event = make.event(project, clock.now, release="1.0", user="ada")
        await store(digest, event, attachment(event, b"%d" % project))
        arrival = make.arrival(project, clock.now, category=Category.FEEDBACK, item_type="feedback")
        await store(digest, NewRawItem(arrival, "key", b"{}"))
        waiting = make.arrival(project, clock.now)
        batch = Batch(spooled=[(waiting, "poison")])
        batch.bookings[received(waiting)] += 1
        await digest.store(batch)
        await db.write(lambda tx, project=project: fill(tx, project))  # type: ignore[misc]
    before = {table: await count(db, table) for table in OF_A_PROJECT}
    assert all(before.values()), before
    await db.write(lambda tx: projects.delete(tx, shop))

    await purge.purge_deleted()
    assert await count(db, "projects") == 2, "other instances may still take its events"
    clock.now += 2 * MINUTE
    await purge.purge_deleted()

    assert await count(db, "projects") == 1
    left = {table: await count(db, table) for table in OF_A_PROJECT}
    assert left == {table: number // 2 for table, number in before.items()}
    assert await healthy(db)


async def fill(tx: Tx, project_id: int) -> None:
    account = await accounts.add(tx, f"{project_id}@example.com", "", "x")
    await accounts.set_project_members(tx, project_id, [account.id])
    await source_links.put(tx, project_id, SourceLink("github", "acme/shop"))
    await releases.add(tx, 1, "1.0", [project_id])
    await artifact_bundles.announce(tx, Upload(b"s" * 20, (b"c" * 20,), 1, (project_id,), "1.0"))
    await projects.add_key(tx, project_id, f"{project_id:032x}", "Default")
    await projects.add_api_key(tx, project_id, b"%032d" % project_id, "abcd")
    await tx.run(
        "INSERT INTO dictionaries (project_id, data, created_at) VALUES (:id, :data, 0)", id=project_id, data=b"x"
    )


async def test_what_has_run_out_is_swept_and_the_rest_stays(db: Database, clock: FakeClock) -> None:
    async def work(tx: Tx) -> None:
        account = await accounts.add(tx, "ada@example.com", "", "x")
        for number, (created, seen) in enumerate([(0, 0), (0, IDLE + 1), (ABSOLUTE + 1, 0)]):
            await tx.run(
                """
                INSERT INTO sessions (account_id, token_hash, user_agent, address, created_at, seen_at)
                VALUES (:account_id, :hash, '', '', :created_at, :seen_at)""",
                account_id=account.id,
                hash=bytes([number]),
                created_at=tx.now - created,
                seen_at=tx.now - seen,
            )
        for expires_at in (tx.now, tx.now + DAY):
            await tx.run(
                "INSERT INTO password_links (token_hash, account_id, expires_at) VALUES (:hash, :account_id, :at)",
                hash=b"%d" % expires_at,
                account_id=account.id,
                at=expires_at,
            )

    await db.write(work)

    await Retention(db, make.SECRET).sweep()

    assert await count(db, "sessions") == 1
    assert await count(db, "password_links") == 1
