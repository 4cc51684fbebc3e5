"""Merged issues show one sum and keep their own: whatever is merged, moved along, taken out or taken back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from bugwatch.domain.account import Caller
from bugwatch.domain.batch import Batch, received
from bugwatch.domain.clock import HOUR, MINUTE, hour_of
from bugwatch.domain.errors import Conflict, Invalid, NotFound
from bugwatch.domain.event import Level
from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.services.issues import Issues
from bugwatch.services.merging import MOST_MEMBERS, Merging
from bugwatch.services.permissions import Permissions
from bugwatch.services.retention import Retention
from bugwatch.storage import events, issue_lists, issue_states, merges, trends
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.issue_lists import ListedIssue, Search
from tests import make
from tests.conftest import FakeClock


@dataclass
class Desk:
    """Alice, who owns one project and does not see the other, and what she sees of issues."""

    db: Database
    clock: FakeClock
    alice: Caller
    issues: Issues
    merging: Merging
    digest: Digest
    mine: int
    foreign: int
    ids: dict[str, int] = field(default_factory=dict)

    async def see(self, *names: str, project_id: int | None = None, **given: object) -> None:
        """Events of these issues, in one batch."""
        batch = Batch()
        for name in names:
            event = make.event(project_id or self.mine, self.clock.now, issue=name, **given)  # type: ignore[arg-type]
            batch.add(event)
            batch.bookings[received(event.arrival)] += 1
        await self.digest.store(batch)
        async with self.db.read() as tx:
            for row in await tx.all("SELECT id, title FROM issues ORDER BY id"):
                self.ids.setdefault(row["title"].removeprefix("ValueError: "), row["id"])
        self.clock.now += MINUTE

    async def listed(self, sort: str = "events", **search: object) -> list[ListedIssue]:
        async with self.db.read() as tx:
            return await issue_lists.find(tx, Search((self.mine,), **search), sort, 50)  # type: ignore[arg-type]

    async def found(self, sort: str = "events", **search: object) -> list[str]:
        return [issue.title.removeprefix("ValueError: ") for issue in await self.listed(sort, **search)]

    async def one(self, name: str) -> ListedIssue:
        async with self.db.read() as tx:
            found = await issue_lists.get(tx, self.ids[name])
        assert found
        return found

    async def merge(self, *names: str) -> int:
        return (await self.merging.merge(self.alice, [self.ids[name] for name in names])).undo_id

    async def told(self) -> list[str]:
        async with self.db.read() as tx:
            return [row["kind"] for row in await tx.all("SELECT kind FROM transitions ORDER BY id")]

    async def everything(self) -> list[tuple[object, ...]]:
        """Each issue as it is stored, with its hashes, users and tags: what must be the same after a way back."""
        async with self.db.read() as tx:
            issues = await tx.all("SELECT * FROM issues ORDER BY id")
            counts = await tx.all("SELECT issue_id, value_id, count FROM issue_tags ORDER BY issue_id, value_id")
            users = await tx.all("SELECT issue_id, user_id FROM issue_users ORDER BY issue_id, user_id")
            hashes = await tx.all("SELECT hash, issue_id FROM issue_hashes ORDER BY hash")
            stored = await tx.all("SELECT id, issue_id FROM events ORDER BY id")
        return [tuple(dict(row).values()) for rows in (issues, counts, users, hashes, stored) for row in rows]


@pytest.fixture
async def desk(db: Database, clock: FakeClock) -> Desk:
    mine, foreign = await make.project(db, "mine"), await make.project(db, "foreign")
    ids, permissions = Ids(clock), Permissions(db)
    alice = await make.owner(db, mine)
    digest = Digest(db, ids, Compression(db))
    return Desk(db, clock, alice, Issues(db, ids, permissions), Merging(db, ids, permissions), digest, mine, foreign)


async def test_a_root_shows_the_sum_of_its_family(desk: Desk) -> None:
    begun = desk.clock.now
    await desk.see("small", user="ann", release="1.0", tags=(("region", "eu"),))
    await desk.see("big", "big", "big", user="ann", environment="staging", tags=(("region", "us"),))
    await desk.see("small", user="bob", level=Level.FATAL, is_unhandled=True, release="1.1", tags=(("region", "eu"),))
    await desk.see("other", "other", "other", "other", user="eve")
    await desk.merge("small", "big")

    assert await desk.found() == ["big", "other"]
    root = await desk.one("big")
    assert (root.event_count, root.stored_count, root.user_count, len(root.members)) == (5, 5, 2, 1)
    assert (root.first_seen_at, root.last_seen_at) == (begun, begun + 2 * MINUTE)
    assert (root.level, root.is_unhandled) == (4, True)
    async with desk.db.read() as tx:
        hours = await trends.hours(tx, [root.id], hour_of(begun) - HOUR)
        tags = {(tag.value, tag.count, tag.total) for tag in await trends.tags(tx, root.id, 5) if tag.key == "region"}
        stored = [event.id for event in await events.of_issue(tx, root.id, 9)]
        paged = [event.id for event in await events.of_issue(tx, root.id, 2, stored[1])]
        older, newer = await events.neighbours(tx, root.id, stored[1])
        assert await issue_lists.get(tx, desk.ids["small"]) is None
        number = await issue_lists.by_number(tx, desk.mine, 1)
    assert sum(hours[root.id].values()) == 5
    assert tags == {("us", 3, 5), ("eu", 2, 5)}
    assert stored == sorted(stored, reverse=True)
    assert len(stored) == 5
    assert paged == stored[2:4]
    assert (older, newer) == (stored[2], stored[0])
    assert number
    assert number.id == root.id


async def test_lists_hide_what_was_merged_and_find_it_by_what_it_had(desk: Desk) -> None:
    await desk.see("small", user="ann", release="1.0", environment="lab")
    await desk.see("big", "big", "big", user="bob")
    await desk.see("middle", "middle", "middle", "middle", user="ann")
    await desk.see("small", user="ann", level=Level.FATAL)
    await desk.merge("small", "big")

    assert await desk.found() == ["big", "middle"]  # 3 + 2 events
    assert await desk.found("users") == await desk.found("last_seen") == ["big", "middle"]
    assert await desk.found("first_seen") == ["middle", "big"]
    searches: list[dict[str, object]] = [
        {"text": "small"},
        {"text": "mine-1"},
        {"release": "1.0"},
        {"environment": "lab"},
        {"level": 4},
    ]
    for search in searches:
        assert await desk.found("events", **search) == ["big"], search
    assert await desk.found(seen_from=desk.clock.now - MINUTE) == ["big"]
    assert await desk.found(level=3) == ["middle"]
    first, second = await desk.listed()
    async with desk.db.read() as tx:
        assert await issue_lists.find(tx, Search((desk.mine,)), "events", 5, after=first.cursor("events")) == [second]
        assert await issue_lists.find(tx, Search((desk.mine,)), "events", 5, before=second.cursor("events")) == [first]
        assert await issue_lists.count(tx, Search((desk.mine,), environment="lab")) == {"unresolved": 1, "regressed": 0}
        assert await issue_lists.count(tx, Search((desk.mine,), text="small")) == {"unresolved": 1, "regressed": 0}
        assert await issue_lists.unresolved(tx, [desk.mine]) == {desk.mine: 2}


async def test_new_events_count_for_the_merged_issue_and_show_at_the_root(desk: Desk) -> None:
    await desk.see("a", "a", "b")
    await desk.merge("a", "b")
    await desk.see("b", user="ann")
    await desk.issues.set_status(desk.alice, [desk.ids["b"]], Status.IGNORED)

    assert (await desk.one("a")).event_count == 4
    async with desk.db.read() as tx:
        own = await issue_lists.get_merged(tx, desk.ids["b"])
        [member] = await merges.members(tx, desk.ids["a"])
    assert own
    assert (own[0].event_count, own[0].status, own[1]) == (2, "ignored", desk.ids["a"])
    assert (member.number, member.event_count) == (2, 2)
    assert await desk.told() == ["new", "new", "merged", "ignored"]


async def test_the_root_has_the_state_and_comes_back_once(desk: Desk) -> None:
    await desk.see("a", "a", "a", "b", "c")
    await desk.merge("a", "b", "c")
    assert await desk.issues.set_status(desk.alice, [desk.ids["b"], desk.ids["a"]], Status.RESOLVED) == {
        desk.ids["a"]: Status.UNRESOLVED
    }
    desk.clock.now += HOUR
    await desk.see("b", "c")

    assert await desk.found(status="regressed") == ["a"]
    assert (await desk.told())[-2:] == ["resolved", "regressed"]
    await desk.see("b")
    assert (await desk.told())[-1] == "regressed"
    await desk.see("d")
    undo_id = await desk.merge("a", "d")
    assert await desk.found(status="regressed") == ["a"]
    await desk.merging.unmerge(desk.alice, desk.ids["a"], [desk.ids["b"]])
    assert set(await desk.found(status="regressed")) == {"a", "b"}  # it has the state that they had together
    await desk.merging.undo(desk.alice, desk.ids["a"], undo_id)
    assert await desk.found(status="regressed") == ["a", "b"]
    assert "d" in await desk.found(status="unresolved")  # in the state that it was in


async def test_the_root_is_open_if_one_is_and_else_has_most_events_or_is_oldest(desk: Desk) -> None:
    await desk.see("old", "new", "big", "big", "solved", "solved", "solved", "muted")
    await desk.issues.set_status(desk.alice, [desk.ids["solved"]], Status.RESOLVED)
    await desk.issues.set_status(desk.alice, [desk.ids["muted"]], Status.IGNORED)

    for names, root in (
        (("old", "new"), "old"),
        (("old", "big", "solved"), "big"),
        (("solved", "muted"), "muted"),
    ):
        ids = [desk.ids[name] for name in names]
        merged = await desk.merging.merge(desk.alice, ids)
        assert merged.root_id == desk.ids[root]
        await desk.merging.undo(desk.alice, merged.root_id, merged.undo_id)
    merged = await desk.merging.merge(desk.alice, [desk.ids["big"]], into=desk.ids["new"])
    assert merged.root_id == desk.ids["new"]


async def test_chains_are_flat_and_undo_brings_back_what_was_there(desk: Desk) -> None:
    await desk.see("a", "b", "b", "c", "c", "c", "d", "d", "d", "d")
    await desk.merge("a", "b")
    await desk.issues.set_status(desk.alice, [desk.ids["b"]], Status.IGNORED)
    before = await desk.everything()
    undo_id = await desk.merge("a", "c", "d")  # a stands for its root b

    async with desk.db.read() as tx:
        assert {desk.ids[n]: desk.ids["d"] for n in "abcd"} == await merges.families(tx, [desk.ids["d"]])
    assert (await desk.one("d")).event_count == 10

    assert set(await desk.merging.undo(desk.alice, desk.ids["d"], undo_id)) == {desk.ids[n] for n in "abc"}
    assert await desk.everything() == before
    with pytest.raises(NotFound):
        await desk.merging.undo(desk.alice, desk.ids["d"], undo_id)
    again = await desk.merge("b", "d")
    await desk.merging.undo(desk.alice, desk.ids["d"], again)
    assert await desk.everything() == before


async def test_unmerging_is_exact_also_after_events_were_thinned(desk: Desk) -> None:
    await desk.see("a", "a", "b", user="ann")
    await desk.merge("a", "b")
    await desk.see("b", user="bob")

    async def thin(tx: Tx) -> None:
        for row in await tx.all("SELECT id, issue_id FROM events"):
            await tx.run("DELETE FROM payloads WHERE id = :id", id=row["id"])
            await tx.run("DELETE FROM events WHERE id = :id", id=row["id"])
            await tx.run("UPDATE issues SET stored_count = stored_count - 1 WHERE id = :id", id=row["issue_id"])

    await desk.db.write(thin)
    assert ((await desk.one("a")).event_count, (await desk.one("a")).user_count) == (4, 2)
    await desk.issues.set_status(desk.alice, [desk.ids["a"]], Status.RESOLVED)
    assert await desk.merging.unmerge(desk.alice, desk.ids["a"]) == [desk.ids["b"]]

    a, b = await desk.one("a"), await desk.one("b")
    assert (a.event_count, a.stored_count, a.user_count) == (2, 0, 1)
    assert (b.event_count, b.stored_count, b.user_count) == (2, 0, 2)
    assert b.status == "resolved"
    async with desk.db.read() as tx:
        for name in "ab":
            told = [(act.kind, act.number, act.is_root) for act in await issue_states.activity(tx, desk.ids[name], 9)]
            other, is_root = (2, True) if name == "a" else (1, False)
            assert told[0] == ("unmerged", other, is_root)
            assert ("merged", other, is_root) in told


async def test_two_who_merge_at_once_make_no_circle(desk: Desk) -> None:
    names = ("a", "b", "c", "d")
    await desk.see(*names)
    pairs = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "a")]

    await asyncio.gather(
        *(desk.merging.merge(desk.alice, [desk.ids[x]], into=desk.ids[y]) for x, y in pairs), return_exceptions=True
    )

    [root] = await desk.listed()
    assert (root.event_count, len(root.members)) == (4, 3)


async def test_a_root_is_deleted_with_its_members(desk: Desk) -> None:
    await desk.see("a", "a", "b")
    await desk.merge("a", "b")
    with pytest.raises(Conflict):
        await desk.issues.delete(desk.alice, desk.ids["b"])
    await desk.issues.delete(desk.alice, desk.ids["a"])
    assert await desk.listed() == []
    await Retention(desk.db, make.SECRET).purge_deleted()
    async with desk.db.read() as tx:
        for table in ("issues", "events", "issue_hashes", "issue_users", "issue_tags"):
            assert await tx.value(f"SELECT COUNT(*) FROM {table}") == 0
    await desk.see("b")
    assert await desk.found() == ["b"]


async def test_what_cannot_be_merged_is_said(desk: Desk) -> None:
    await desk.see("a", "b")
    await desk.see("x", "y", project_id=desk.foreign)
    a, x, y = desk.ids["a"], desk.ids["x"], desk.ids["y"]

    for ids in ([a], [a, a], [a, 404], [a, x]):
        with pytest.raises(Invalid, match="at least two"):
            await desk.merging.merge(desk.alice, ids)
    with pytest.raises(Invalid, match="At most"):
        await desk.merging.merge(desk.alice, [a] * 201)
    for call in (
        desk.merging.merge(desk.alice, [x, y]),
        desk.merging.merge(desk.alice, []),
        desk.merging.merge(desk.alice, [a], into=x),
        desk.merging.merge(desk.alice, [a, desk.ids["b"]], project_id=desk.foreign),
        desk.merging.unmerge(desk.alice, a),
        desk.merging.unmerge(desk.alice, x),
        desk.merging.undo(desk.alice, a, 1),
    ):
        with pytest.raises(NotFound):
            await call


async def test_only_so_many_are_merged_into_one(desk: Desk) -> None:
    names = [f"n{number:03}" for number in range(MOST_MEMBERS + 2)]
    await desk.see(*names)
    ids = [desk.ids[name] for name in names]
    await desk.merging.merge(desk.alice, ids[:100])
    await desk.merging.merge(desk.alice, ids[: MOST_MEMBERS // 2 + 1 : 50] + ids[100 : MOST_MEMBERS + 1 - 3])
    with pytest.raises(Invalid, match="into one"):
        await desk.merging.merge(desk.alice, [ids[0], *ids[-5:]])
