"""Lists of issues: what is found, in which order, page by page, and how much there is of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bugwatch.domain.batch import Batch, NewEvent, received
from bugwatch.domain.clock import DAY, HOUR, MINUTE, hour_of
from bugwatch.domain.event import Level
from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.storage import event_lists, events, issue_lists, issue_states, trends
from bugwatch.storage.database import Database
from bugwatch.storage.issue_lists import ListedIssue, Search
from tests import make
from tests.conftest import FakeClock


class Shelf:
    """A project whose events are stored at once."""

    def __init__(self, db: Database, clock: FakeClock, project_id: int, digest: Digest) -> None:
        self.db, self.clock, self.project_id, self._digest = db, clock, project_id, digest

    async def add(self, issue: str, *, ago: int = 0, project_id: int | None = None, **given: object) -> None:
        at = self.clock() - ago
        new: NewEvent = make.event(project_id or self.project_id, at, issue=issue, **given)
        batch = Batch()
        batch.add(new)
        batch.bookings[received(new.arrival)] += 1
        await self._digest.store(batch)

    async def find(self, sort: str = "last_seen", limit: int = 50, **given: object) -> list[str]:
        return titles(await self.issues(sort, limit, **given))

    async def issues(self, sort: str = "last_seen", limit: int = 50, **given: object) -> list[ListedIssue]:
        async with self.db.read() as tx:
            return await issue_lists.find(tx, self.search(**given), sort, limit)

    def search(self, **given: object) -> Search:
        return Search(**{"project_ids": (self.project_id,), **given})  # type: ignore[arg-type]

    async def id_of(self, issue: str) -> int:
        return next(found.id for found in await self.issues() if found.title.endswith(f": {issue}"))

    async def mark(self, issue: str, status: Status) -> None:
        issue_id = await self.id_of(issue)
        await self.db.write(lambda tx: issue_states.set_status(tx, [issue_id], status))


def titles(issues: Sequence[ListedIssue]) -> list[str]:
    return [issue.title.removeprefix("ValueError: ") for issue in issues]


@pytest.fixture
async def shelf(db: Database, clock: FakeClock) -> Shelf:
    return Shelf(db, clock, await make.project(db), Digest(db, Ids(clock), Compression(db)))


async def test_issues_come_in_the_order_asked_for(shelf: Shelf) -> None:
    await shelf.add("old", ago=DAY, user="a")
    await shelf.add("often", ago=3 * HOUR)
    await shelf.add("often", ago=2 * HOUR)
    await shelf.add("late", ago=MINUTE)

    assert await shelf.find("last_seen") == ["late", "often", "old"]
    assert await shelf.find("first_seen") == ["late", "often", "old"]
    assert (await shelf.find("events"))[0] == "often"
    assert (await shelf.find("users"))[0] == "old"


async def test_pages_follow_each_other_without_gap_or_repeat_in_both_directions(shelf: Shelf) -> None:
    for number in range(7):
        await shelf.add(f"issue {number}", ago=(number // 2) * MINUTE)  # pairs share their instant
    everything = await shelf.issues()

    async with shelf.db.read() as tx:
        first = await issue_lists.find(tx, shelf.search(), "last_seen", 3)
        second = await issue_lists.find(tx, shelf.search(), "last_seen", 3, after=first[-1].cursor("last_seen"))
        third = await issue_lists.find(tx, shelf.search(), "last_seen", 3, after=second[-1].cursor("last_seen"))
        back = await issue_lists.find(tx, shelf.search(), "last_seen", 3, before=third[0].cursor("last_seen"))

    assert first + second + third == everything
    assert back == second


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"level": 4}, ["fatal one"]),
        ({"environment": "staging"}, ["staged"]),
        ({"environment": "' OR 1=1 --"}, []),
        ({"release": "2.0"}, ["released"]),
        ({"release": "2.0", "environment": "staging"}, []),
        ({"environment": "2.0"}, []),
        ({"text": "STAG"}, ["staged"]),
        ({"text": "pay.py"}, ["released"]),
        ({"text": "100%"}, ["100% sure"]),
        ({"text": "%"}, ["100% sure"]),
        ({"text": "_"}, []),
        ({"status": "resolved"}, []),
        ({"project_ids": ()}, []),
        ({"project_ids": (987,)}, []),
    ],
)
async def test_filters_narrow_the_list(shelf: Shelf, given: dict[str, object], found: list[str]) -> None:
    await shelf.add("fatal one", level=Level.FATAL)
    await shelf.add("staged", environment="staging", title="ValueError: staged")
    await shelf.add("released", release="2.0", culprit="pay.py in charge")
    await shelf.add("100% sure")

    assert await shelf.find(**given) == found


async def test_a_time_range_is_about_when_an_issue_was_last_seen(shelf: Shelf) -> None:
    await shelf.add("old", ago=2 * DAY)
    await shelf.add("new", ago=HOUR)
    now = shelf.clock()

    assert await shelf.find(seen_from=now - DAY) == ["new"]
    assert await shelf.find(seen_until=now - DAY) == ["old"]
    assert await shelf.find(begun_from=now - DAY) == ["new"]


async def test_a_list_over_many_projects_is_one_list(shelf: Shelf) -> None:
    others = [await make.project(shelf.db, f"p{number}") for number in range(11)]
    for number, project_id in enumerate(others):
        await shelf.add(f"of {number}", ago=number * MINUTE, project_id=project_id)

    assert await shelf.find(project_ids=tuple(others), limit=3) == ["of 0", "of 1", "of 2"]


async def test_counts_are_by_status_and_regressed_ones_are_among_the_unresolved(shelf: Shelf) -> None:
    for issue in ("a", "b", "c", "d"):
        await shelf.add(issue, ago=HOUR)
    await shelf.mark("a", Status.IGNORED)
    await shelf.mark("b", Status.RESOLVED)
    await shelf.mark("c", Status.RESOLVED)
    shelf.clock.sleep(ms=MINUTE)
    await shelf.add("c")

    async with shelf.db.read() as tx:
        counts = await issue_lists.count(tx, shelf.search(status="resolved"))
        waiting = await issue_lists.unresolved(tx, [shelf.project_id, 99])
        last = await issue_lists.last_resolved(tx, [shelf.project_id])
    assert counts == {"unresolved": 2, "ignored": 1, "resolved": 1, "regressed": 1}
    assert waiting == {shelf.project_id: 2}
    assert last
    assert titles([last]) == ["b"]
    assert await shelf.find(status="regressed") == ["c"]
    assert [issue.is_regressed for issue in await shelf.issues(status="unresolved")] == [True, False]


@pytest.mark.parametrize("then", [Status.RESOLVED, Status.IGNORED])
async def test_who_has_looked_at_what_came_back_ends_that(shelf: Shelf, then: Status) -> None:
    await shelf.add("a", ago=HOUR)
    await shelf.mark("a", Status.RESOLVED)
    shelf.clock.sleep(ms=MINUTE)
    await shelf.add("a")
    await shelf.mark("a", then)
    await shelf.mark("a", Status.UNRESOLVED)

    assert await shelf.find(status="unresolved") == ["a"]
    assert await shelf.find(status="regressed") == []


async def test_what_was_deleted_is_nowhere_and_begins_anew(shelf: Shelf) -> None:
    await shelf.add("gone")
    issue_id = await shelf.id_of("gone")

    await shelf.db.write(lambda tx: issue_states.delete(tx, issue_id))

    assert await shelf.find() == []
    async with shelf.db.read() as tx:
        assert await issue_lists.get(tx, issue_id) is None
        assert await issue_lists.by_number(tx, shelf.project_id, 1) is None
        assert sum((await issue_lists.count(tx, shelf.search())).values()) == 0
    await shelf.add("gone")
    assert await shelf.id_of("gone") != issue_id


async def test_an_issue_is_found_by_its_number(shelf: Shelf) -> None:
    await shelf.add("one")

    async with shelf.db.read() as tx:
        found = await issue_lists.by_number(tx, shelf.project_id, 1)
        assert found
        assert titles([found]) == ["one"]
        assert await issue_lists.by_number(tx, shelf.project_id, 2) is None


async def test_volume_counts_errors_apart_and_follows_the_filters(shelf: Shelf) -> None:
    hour = hour_of(shelf.clock())
    await shelf.add("a", environment="staging")
    await shelf.add("b", level=Level.FATAL, release="2.0")
    await shelf.add("c", level=Level.WARNING)
    await shelf.add("d", ago=HOUR)

    async def volume(**given: object) -> dict[int, tuple[int, int]]:
        scope = trends.Scope(**{"project_ids": (shelf.project_id,), **given})  # type: ignore[arg-type]
        async with shelf.db.read() as tx:
            return await trends.volume(tx, scope, hour - HOUR, HOUR)

    assert await volume() == {hour: (2, 1), hour - HOUR: (1, 0)}
    assert await volume(environment="staging") == {hour: (1, 0)}
    assert await volume(release="2.0") == {hour: (1, 0)}
    assert await volume(level=2) == {hour: (0, 1)}
    assert await volume(project_ids=()) == {}


async def test_trends_of_issues_are_by_hour_or_wider(shelf: Shelf) -> None:
    await shelf.add("a", ago=HOUR)
    await shelf.add("a")
    await shelf.add("a", environment="staging")
    issue_id, hour = await shelf.id_of("a"), hour_of(shelf.clock())

    async with shelf.db.read() as tx:
        assert await trends.hours(tx, [issue_id, 5], hour - HOUR) == {issue_id: {hour: 2, hour - HOUR: 1}}
        assert sum((await trends.hours(tx, [issue_id], 0, DAY))[issue_id].values()) == 3


async def test_tags_are_ranked_by_key_with_their_totals(shelf: Shelf) -> None:
    for browser in ("Firefox", "Firefox", "Chrome", "Safari"):
        await shelf.add("a", tags=(("browser", browser),))
    issue_id = await shelf.id_of("a")

    async with shelf.db.read() as tx:
        ranked = await trends.tags(tx, issue_id, 2)
        assert await trends.tag_count(tx, issue_id) == 2
        values = await trends.known_values(tx, [shelf.project_id], "browser", 2)
    assert [(tag.key, tag.value, tag.count, tag.total, tag.value_count) for tag in ranked] == [
        ("browser", "Firefox", 2, 4, 3),
        ("browser", "Chrome", 1, 4, 3),
        ("environment", "production", 4, 4, 1),
    ]
    assert values == ["Safari", "Chrome"]


async def test_events_are_listed_with_what_they_belong_to(shelf: Shelf) -> None:
    await shelf.add("a", ago=MINUTE)
    await shelf.add("a", environment="staging", release="2.0", user="mara", level=Level.FATAL)

    async with shelf.db.read() as tx:
        stored = await events.of_issue(tx, await shelf.id_of("a"), 10)
        listed = await event_lists.among(tx, [event.id for event in stored])
    assert [(e.environment, e.release, e.user, e.level) for e in listed] == [
        ("staging", "2.0", "mara", 4),
        ("production", "", "", 3),
    ]
    assert [e.event_id for e in listed] == [e.event_id for e in stored]
