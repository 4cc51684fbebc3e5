"""A batch goes in whole or not at all, and counts everything once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from bugwatch.domain.batch import Batch, NewAttachment, NewEvent, NewRawItem, received
from bugwatch.domain.clock import HOUR, MINUTE
from bugwatch.domain.event import Level
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Category
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest, Digested
from bugwatch.storage import attachments, contents, event_keys, events, issue_states, ledger, removal, tag_values
from bugwatch.storage.database import Database, Row, Tx
from tests import make
from tests.conftest import FakeClock


@pytest.fixture
async def digest(db: Database, clock: FakeClock) -> AsyncIterator[Digest]:
    digest = Digest(db, Ids(clock), Compression(db))
    await digest.start()
    yield digest
    await digest.stop()


@pytest.fixture
async def shop(db: Database) -> int:
    return await make.project(db)


def batch(*new: NewEvent | NewAttachment | NewRawItem) -> Batch:
    made = Batch()
    for one in new:
        made.add(one)
        made.bookings[received(one.arrival)] += 1
    return made


async def issues(db: Database) -> list[Row]:
    async with db.read() as tx:
        return list(await tx.all("SELECT * FROM issues ORDER BY id"))


async def totals(db: Database, project_id: int, category: Category = Category.ERROR) -> dict[str, int]:
    async with db.read() as tx:
        found = await ledger.totals(tx, project_id, category)
    return {name: count for name, count in found.items() if count}


async def transitions(db: Database) -> list[str]:
    async with db.read() as tx:
        return [row["kind"] for row in await tx.all("SELECT kind FROM transitions ORDER BY id")]


async def set_status(db: Database, status: str, at: int) -> None:
    await db.write(lambda tx: tx.run("UPDATE issues SET status = :status, resolved_at = :at", status=status, at=at))


async def test_a_new_error_is_one_issue_with_a_number_and_a_transition(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    await digest.store(batch(make.event(shop, clock.now, release="1.0", user="ada")))

    [issue] = await issues(db)
    assert (issue["title"], issue["number"], issue["status"]) == ("ValueError: one", 1, "unresolved")
    assert (issue["event_count"], issue["user_count"], issue["stored_count"]) == (1, 1, 1)
    assert await transitions(db) == ["new"]
    assert await totals(db, shop) == {"received": 1, "stored": 1}


async def test_the_same_error_again_counts_and_rings_nobody(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    await digest.store(batch(make.event(shop, clock.now, user="ada")))
    clock.now += MINUTE
    later = make.event(shop, clock.now, user="ada", level=Level.FATAL)
    await digest.store(batch(later, make.event(shop, clock.now - 30_000, user="bob", level=Level.FATAL)))

    [issue] = await issues(db)
    assert (issue["event_count"], issue["user_count"]) == (3, 2)
    assert issue["last_seen_at"] == clock.now
    assert issue["level"] == 4
    assert await transitions(db) == ["new"]


async def test_a_repeat_changes_nothing_but_its_own_count(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    first = make.event(shop, clock.now, event_id="a" * 32)
    await digest.store(batch(first))
    again = make.event(shop, clock.now + 5, event_id="a" * 32, issue="another")
    digested = await digest.store(batch(again))

    assert digested == Digested([], [])
    assert len(await issues(db)) == 1
    assert await totals(db, shop) == {"received": 2, "stored": 1, "duplicate": 1}


async def test_the_first_known_hash_wins_and_the_better_ones_are_linked_to_its_issue(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    best, newer, old = (make.issue_hash(shop, name) for name in ("best", "newer", "old"))
    await digest.store(batch(make.event(shop, clock.now, issue="old")))
    await digest.store(batch(make.event(shop, clock.now, issue_hashes=(best, newer, old))))
    await digest.store(batch(make.event(shop, clock.now, issue_hashes=(newer,))))
    await digest.store(batch(make.event(shop, clock.now, issue_hashes=(best,))))
    await digest.store(batch(make.event(shop, clock.now, issue_hashes=(make.issue_hash(shop, "other"), b"z" * 16))))
    await digest.store(batch(make.event(shop, clock.now, issue_hashes=(b"z" * 16,))))

    assert [issue["event_count"] for issue in await issues(db)] == [4, 1, 1]


async def test_within_a_batch_the_hashes_of_an_event_help_the_next(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    first, second = make.issue_hash(shop, "first"), make.issue_hash(shop, "second")
    await digest.store(
        batch(
            make.event(shop, clock.now, issue_hashes=(first,)),
            make.event(shop, clock.now, issue_hashes=(second, first)),
            make.event(shop, clock.now, issue_hashes=(second,)),
        )
    )

    assert [issue["event_count"] for issue in await issues(db)] == [3]


async def test_an_unmapped_hash_leads_its_issue_to_one_better_hash_and_no_further(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    unmapped = make.issue_hash(shop, "unmapped")
    await digest.store(batch(make.event(shop, clock.now, issue="unmapped")))
    for name in ("cart", "till", "cart"):
        await digest.store(batch(make.event(shop, clock.now, issue=name, unmapped_hash=unmapped)))
    await digest.store(batch(make.event(shop, clock.now, issue="unmapped")))

    assert [issue["event_count"] for issue in await issues(db)] == [4, 1]


async def test_two_instances_agree_which_better_hash_an_unmapped_one_leads_to(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    unmapped = make.issue_hash(shop, "unmapped")
    await digest.store(batch(make.event(shop, clock.now, issue="unmapped")))
    other = Digest(db, Ids(clock, 1), Compression(db))
    await other.start()
    await asyncio.gather(
        *(
            instance.store(batch(make.event(shop, clock.now, issue=name, unmapped_hash=unmapped)))
            for instance, name in ((digest, "cart"), (other, "till"))
        )
    )
    await other.stop()

    assert sorted(issue["event_count"] for issue in await issues(db)) == [1, 2]


async def test_twice_in_one_batch_is_once(db: Database, digest: Digest, shop: int, clock: FakeClock) -> None:
    twins = [make.event(shop, clock.now, event_id="b" * 32) for _ in range(3)]
    await digest.store(batch(*twins))

    assert (await issues(db))[0]["event_count"] == 1
    assert await totals(db, shop) == {"received": 3, "stored": 1, "duplicate": 2}


async def test_the_same_id_in_another_project_is_another_event(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    other = await make.project(db, "other")
    await digest.store(
        batch(make.event(shop, clock.now, event_id="c" * 32), make.event(other, clock.now, event_id="c" * 32))
    )

    assert [issue["number"] for issue in await issues(db)] == [1, 1]


async def test_two_events_with_one_hash_are_both_kept(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    await digest.store(batch(make.event(shop, clock.now, key=77)))
    await digest.store(batch(make.event(shop, clock.now, key=77)))

    assert await totals(db, shop) == {"received": 2, "stored": 2}
    async with db.read() as tx:
        assert await event_keys.find(tx, 78) is not None


async def test_a_known_event_is_known_after_a_restart(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    await digest.store(batch(make.event(shop, clock.now, event_id="d" * 32)))
    after = Digest(db, Ids(clock), Compression(db))
    await after.start()
    await after.store(batch(make.event(shop, clock.now, event_id="d" * 32)))
    await after.stop()

    assert await totals(db, shop) == {"received": 2, "stored": 1, "duplicate": 1}


async def test_generations_turn_over_and_still_know_everything(
    db: Database, digest: Digest, shop: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_keys, "GENERATION", 4)
    stored = [make.event(shop, clock.now + n) for n in range(10)]
    for event in stored:
        await digest.store(batch(event))
    await digest.store(batch(*[make.event(shop, clock.now, event_id=e.arrival.event_id) for e in stored]))

    assert await totals(db, shop) == {"received": 20, "stored": 10, "duplicate": 10}
    async with db.read() as tx:
        issue_id = (await issues(db))[0]["id"]
        assert [e.id for e in await events.of_issue(tx, issue_id, 100)] == [e.id for e in reversed(stored)]
        assert await events.neighbours(tx, issue_id, stored[5].id) == (stored[4].id, stored[6].id)
        assert await events.neighbours(tx, issue_id, stored[0].id) == (None, stored[1].id)


async def test_the_filter_of_known_keys_grows_with_them_and_forgets_none(
    db: Database, digest: Digest, shop: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_keys, "SMALLEST_FILTER", 64)
    after = Digest(db, Ids(clock), Compression(db))
    await after.start()
    stored = [make.event(shop, clock.now + n) for n in range(60)]
    for start in range(0, 60, 6):
        await after.store(batch(*stored[start : start + 6]))
        await after.settled()
    await after.store(batch(*[make.event(shop, clock.now, event_id=e.arrival.event_id) for e in stored]))
    await after.stop()

    assert await totals(db, shop) == {"received": 120, "stored": 60, "duplicate": 60}


async def test_a_key_is_sought_in_each_generation_and_no_key_is_read_besides(db: Database) -> None:
    if db.dialect == "postgres":
        pytest.skip("On Postgres there is one generation.")
    async with db.read() as tx:
        plan = await tx.among(f"EXPLAIN QUERY PLAN {event_keys._FIND}", [1, 2], newest=60)

    steps = [row["detail"] for row in plan]
    assert "SEARCH event_keys USING PRIMARY KEY (generation=? AND key=?)" in steps
    assert not any(step.startswith("SCAN event_keys") for step in steps)


async def test_a_resolved_issue_reopens_when_it_is_seen_again(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    await digest.store(batch(make.event(shop, clock.now)))
    await set_status(db, "resolved", clock.now + 1_000)
    await digest.store(batch(make.event(shop, clock.now + 1_001)))

    assert (await issues(db))[0]["status"] == "unresolved"
    assert await transitions(db) == ["new", "regressed"]


async def test_an_event_from_before_the_resolution_reopens_nothing(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    await digest.store(batch(make.event(shop, clock.now)))
    await set_status(db, "resolved", clock.now + MINUTE)
    await digest.store(batch(make.event(shop, clock.now + 30_001)))

    assert (await issues(db))[0]["status"] == "resolved"


async def test_an_sdk_that_cuts_to_seconds_reopens_within_the_second(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    second = clock.now - clock.now % 1_000
    await digest.store(batch(make.event(shop, second - MINUTE)))
    await set_status(db, "resolved", second + 300)
    await digest.store(batch(make.event(shop, second)))

    assert (await issues(db))[0]["status"] == "unresolved"


async def test_a_muted_issue_stays_muted(db: Database, digest: Digest, shop: int, clock: FakeClock) -> None:
    await digest.store(batch(make.event(shop, clock.now)))
    await set_status(db, "ignored", clock.now)
    await digest.store(batch(make.event(shop, clock.now + HOUR)))

    assert (await issues(db))[0]["status"] == "ignored"
    assert await transitions(db) == ["new"]


async def test_an_issue_that_is_deleted_while_its_next_event_arrives_takes_nothing_with_it(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    if db.dialect == "sqlite":
        pytest.skip("SQLite has one writer: nothing comes between.")
    await digest.store(batch(make.event(shop, clock.now)))
    [old] = await issues(db)
    next_event = make.event(shop, clock.now)

    async def delete(tx: Tx) -> asyncio.Task[Digested]:
        await issue_states.delete(tx, old["id"])
        storing = asyncio.create_task(digest.store(batch(next_event)))
        async with asyncio.timeout(10):
            while True:
                if await tx.value("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"):
                    return storing
                await asyncio.sleep(0.01)

    await (await db.write(delete))

    [_, new] = await issues(db)
    assert (new["number"], new["event_count"], new["deleted_at"]) == (2, 1, None)
    async with db.read() as tx:
        [stored] = await events.of_issue(tx, new["id"], 10)
    assert stored.event_id == next_event.arrival.event_id


async def test_content_that_is_removed_while_it_is_attached_once_more_stays(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    if db.dialect == "sqlite":
        pytest.skip("SQLite has one writer: nothing comes between.")
    other = await make.project(db, "other")

    def file(project_id: int) -> NewAttachment:
        kind = {"category": Category.ATTACHMENT, "item_type": "attachment", "payload": b"a log"}
        return NewAttachment(make.arrival(project_id, clock.now, **kind), 1, b"h" * 32)

    await digest.store(batch(file(shop)))

    async def attach(tx: Tx) -> asyncio.Task[bool]:
        await attachments.add(tx, [file(other)])
        purge = partial(removal.project_slice, project_id=shop, size=100, shard=0)
        removing = asyncio.create_task(db.write(purge))
        async with asyncio.timeout(10):
            while True:
                if removing.done() or await tx.value("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"):
                    return removing
                await asyncio.sleep(0.01)

    await (await db.write(attach))

    async with db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM attachments") == 1
        assert await contents.chunk(tx, b"h" * 32, 0) == b"a log"


async def test_tags_hours_and_users_are_counted(db: Database, digest: Digest, shop: int, clock: FakeClock) -> None:
    tags = (("browser", "Firefox"),)
    await digest.store(
        batch(
            make.event(shop, clock.now, tags=tags, user="ada", release="1.0"),
            make.event(shop, clock.now, tags=tags, user="ada", release="1.1"),
            make.event(shop, clock.now + HOUR, user="bob", release="1.1", environment="staging"),
        )
    )

    async with db.read() as tx:
        counted = await tx.all("SELECT value_id, count FROM issue_tags")
        names = await tag_values.named(tx, [row["value_id"] for row in counted])
        assert {names[row["value_id"]]: row["count"] for row in counted} == {
            ("browser", "Firefox"): 2,
            ("environment", "production"): 2,
            ("environment", "staging"): 1,
            ("release", "1.0"): 1,
            ("release", "1.1"): 2,
        }
        assert await tx.value("SELECT CAST(SUM(count) AS bigint) FROM issue_hours") == 3
        assert await tx.value("SELECT COUNT(DISTINCT hour) FROM project_hours") == 2
        assert await tx.value("SELECT COUNT(*) FROM issue_users") == 2


async def test_a_key_with_too_many_values_stops_growing_but_loses_no_event(
    db: Database, digest: Digest, shop: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_values, "VALUES_PER_KEY", 3)
    for n in range(6):
        await digest.store(batch(make.event(shop, clock.now, tags=(("id", str(n)),), release=f"1.{n}")))

    async with db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM tag_values WHERE key = 'id'") == 3
        assert await tx.value("SELECT COUNT(*) FROM tag_values WHERE key = 'release'") == 6
    assert (await issues(db))[0]["event_count"] == 6


async def test_releases_beyond_all_reason_share_a_number_and_lose_no_event(
    db: Database, digest: Digest, shop: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_values, "SHARED_VALUES_PER_KEY", 3)
    for n in range(6):
        await digest.store(batch(make.event(shop, clock.now, release=f"1.{n}", environment=f"branch-{n}")))

    async with db.read() as tx:
        for key, first in (("release", "1."), ("environment", "branch-")):
            rows = await tx.all("SELECT value FROM tag_values WHERE key = :key ORDER BY value", key=key)
            assert [row["value"] for row in rows] == ["(other)", *(f"{first}{n}" for n in range(3))]
        assert await tx.value("SELECT COUNT(*) FROM events WHERE release_id IS NULL") == 0
        assert await tx.value("SELECT CAST(SUM(count) AS bigint) FROM project_hours") == 6
        assert await tx.value("SELECT CAST(SUM(count) AS bigint) FROM level_hours") == 6
    assert (await issues(db))[0]["event_count"] == 6


async def test_a_sender_that_invents_keys_fills_no_index(
    db: Database, digest: Digest, shop: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_values, "KEYS_PER_PROJECT", 4)
    for n in range(6):
        await digest.store(batch(make.event(shop, clock.now, tags=((f"key-{n}", "x"), ("key-0", str(n))), release="1")))
    after = Digest(db, Ids(clock), Compression(db))
    await after.start()
    await after.store(batch(make.event(shop, clock.now, tags=(("key-9", "x"), ("key-1", "y")))))
    await after.stop()

    async with db.read() as tx:
        rows = await tx.all("SELECT DISTINCT key FROM tag_values ORDER BY key")
        assert [row["key"] for row in rows] == ["environment", "key-0", "key-1", "release"]
        assert await tx.value("SELECT COUNT(*) FROM tag_values WHERE key = 'key-1' AND value = 'y'") == 1
    assert (await issues(db))[0]["event_count"] == 7


async def test_attachments_are_kept_once_per_event_and_content_once_at_all(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    def file(event_key: int) -> NewAttachment:
        came = make.arrival(
            shop, clock.now, category=Category.ATTACHMENT, item_type="attachment", payload=b"y" * 1_500_000
        )
        return NewAttachment(came, event_key, b"h" * 32)

    await digest.store(batch(file(1), file(1), file(2)))
    await digest.store(batch(file(1)))

    assert await totals(db, shop, Category.ATTACHMENT) == {"received": 4, "stored": 2, "duplicate": 2}
    async with db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM content_chunks") == 2


async def test_raw_items_are_kept_once(db: Database, digest: Digest, shop: int, clock: FakeClock) -> None:
    def session(key: str) -> NewRawItem:
        came = make.arrival(shop, clock.now, category=Category.SESSION, item_type="session")
        return NewRawItem(came, key, b"{}")

    await digest.store(batch(session("a"), session("b"), session("a")))
    await digest.store(batch(session("b")))

    assert await totals(db, shop, Category.SESSION) == {"received": 4, "stored": 2, "duplicate": 2}


async def test_a_batch_that_fails_leaves_no_trace_and_the_next_one_is_right(
    db: Database, digest: Digest, shop: int, clock: FakeClock
) -> None:
    with pytest.raises(Exception):  # noqa: B017 - each engine names it in its own way
        await digest.store(batch(make.event(shop, clock.now), make.event(shop, clock.now, issue="two", title=None)))
    assert await issues(db) == []

    await digest.store(batch(make.event(shop, clock.now, tags=(("a", "b"),))))

    assert (await issues(db))[0]["event_count"] == 1


async def test_two_instances_given_the_same_events_store_each_once(db: Database, shop: int, clock: FakeClock) -> None:
    if db.dialect == "sqlite":
        pytest.skip("SQLite has one instance.")
    instances = [Digest(db, Ids(clock, n), Compression(db)) for n in range(2)]
    for instance in instances:
        await instance.start()
    names = [f"{n:032x}" for n in range(1, 301)]

    async def work(instance: Digest) -> None:
        for start in range(0, 300, 30):
            await instance.store(
                batch(
                    *[
                        make.event(
                            shop, clock.now, event_id=name, issue=name[-1], tags=(("n", name[-2:]),), user=name[-1]
                        )
                        for name in names[start : start + 30]
                    ]
                )
            )

    await asyncio.gather(*(work(instance) for instance in instances))

    found = await issues(db)
    assert sum(issue["event_count"] for issue in found) == 300
    assert len(found) == 16
    assert sorted(issue["number"] for issue in found) == list(range(1, 17))
    assert (await transitions(db)).count("new") == 16
    assert await totals(db, shop) == {"received": 600, "stored": 300, "duplicate": 300}
    async with db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM events") == 300
        assert await tx.value("SELECT CAST(SUM(count) AS bigint) FROM issue_hours") == 300
