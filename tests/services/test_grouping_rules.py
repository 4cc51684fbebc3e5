"""Rules and algorithms of a project: tried before they are applied, and additive once they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bugwatch.config import Config
from bugwatch.domain import fingerprint
from bugwatch.domain.batch import Arrival
from bugwatch.domain.clock import MINUTE
from bugwatch.domain.errors import Conflict, Invalid
from bugwatch.domain.grouping import ALGORITHMS
from bugwatch.domain.outcome import Category
from bugwatch.main import open_house, working
from bugwatch.services.grouping_rules import TRIED_PER_ISSUE, WINDOW, GroupingRules
from bugwatch.services.projects import KEY_LIFE
from bugwatch.storage import grouping_rules, issue_lists, merges
from bugwatch.storage.issue_lists import ListedIssue, Search

if TYPE_CHECKING:
    from bugwatch.domain.event import Event
    from bugwatch.domain.fingerprint import Grouping
    from bugwatch.domain.project import Project
    from bugwatch.services.house import House
    from bugwatch.services.projects import Access
    from tests.conftest import FakeClock

_ids = count(1)


class Shop:
    """A project in a house at work, and what is sent to it."""

    def __init__(self, house: House, clock: FakeClock, dsn: str, project_id: int) -> None:
        self.house, self.clock, self.id = house, clock, project_id
        self._key = dsn.split("//")[1].split("@")[0]

    async def access(self) -> Access:
        found = await self.house.projects.by_public_key(self._key)
        assert found
        return found

    async def project(self) -> Project:
        return (await self.access()).project

    async def send(self, type_: str, function: str = "pay", value: str = "no", **given: Any) -> None:
        frames = [
            {"function": f, "module": "shop.app", "filename": "shop/app.py", "in_app": True} for f in ("main", function)
        ]
        event = {
            "event_id": f"{next(_ids):032x}",
            "platform": "python",
            "exception": {"values": [{"type": type_, "value": value, "stacktrace": {"frames": frames}}]},
            **given,
        }
        arrival = Arrival(
            self.house.ids.next(), self.id, Category.ERROR, "event", json.dumps(event).encode(), self.clock()
        )
        assert await self.house.ingest.take(await self.access(), [arrival]) == []
        self.clock.now += MINUTE

    async def issues(self) -> list[ListedIssue]:
        async with self.house.db.read() as tx:
            return (await issue_lists.find(tx, Search((self.id,)), "first_seen", 99))[::-1]

    async def counts(self) -> list[tuple[str, int]]:
        return [(issue.title, issue.event_count) for issue in await self.issues()]

    async def apply(self, rules: str) -> None:
        await self.house.grouping_rules.apply(await self.project(), rules, 1)


@pytest.fixture(params=["sqlite", "postgres"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Shop]:
    url = request.getfixturevalue("migrated_postgres_url") if request.param == "postgres" else ""
    config = Config.model_validate({"data_dir": tmp_path, "database_url": url})
    async with open_house(config, clock) as house, working(house):
        made = await house.projects.create("Shop", "python")
        yield Shop(house, clock, made.dsn, made.project.id)


async def test_rules_count_from_the_next_event_on_and_say_so(shop: Shop) -> None:
    await shop.send("ValueError")
    await shop.send("KeyError")
    await shop.apply('type:*Error -> "one, for all" title="{{ error.type }} of the shop"\r\n\r\n')
    await shop.send("ValueError")
    await shop.send("KeyError")
    await shop.send("Timeout")
    await shop.apply("")
    await shop.send("ValueError")

    assert await shop.counts() == [
        ("ValueError: no", 2),
        ("KeyError: no", 1),
        ("ValueError of the shop", 2),
        ("Timeout: no", 1),
    ]
    issue = (await shop.issues())[2]
    async with shop.house.db.read() as tx:
        [made] = await merges.hashes(tx, issue.id, 9)
        [older] = await merges.hashes(tx, (await shop.issues())[0].id, 9)
        told = await grouping_rules.history(tx, shop.id, 9)
    assert (made.source, made.rule) == ("rule", 'type:*Error -> "one, for all" title="{{ error.type }} of the shop"')
    assert (older.source, older.rule, older.version, older.linked_by) == ("algorithm", "", 1, "")
    assert [(rules.version, bool(rules.rules)) for rules in told] == [(2, False), (1, True)]


async def test_an_explicit_fingerprint_that_changes_is_not_led_by_the_one_before(shop: Shop) -> None:
    await shop.apply("type:* -> all")
    await shop.send("ValueError")
    await shop.send("KeyError")
    await shop.apply("type:ValueError -> values\ntype:* -> all")
    await shop.send("ValueError")
    await shop.send("KeyError")

    assert [count for _, count in await shop.counts()] == [3, 1]


async def test_what_is_wrong_or_overtaken_changes_nothing(shop: Shop) -> None:
    project = await shop.project()
    with pytest.raises(Invalid, match="Line 2: "):
        await shop.house.grouping_rules.apply(project, "type:A -> a\nwhat", 1)
    await shop.house.grouping_rules.apply(project, "type:A -> a", 1)
    with pytest.raises(Conflict):
        await shop.house.grouping_rules.apply(project, "type:B -> b", 1)

    assert (await shop.project()).grouping_rules == "type:A -> a"


async def test_rules_are_read_anew_by_whoever_missed_the_change(shop: Shop) -> None:
    project = await shop.project()
    await shop.house.db.write(lambda tx: tx.run("UPDATE projects SET grouping_rules = 'type:* -> all'"))
    assert (await shop.project()) == project

    shop.clock.now += KEY_LIFE

    assert (await shop.project()).grouping_rules == "type:* -> all"


async def test_a_trial_tells_what_would_split_join_and_begin_anew(shop: Shop) -> None:
    for region in ("eu", "us", "eu"):
        await shop.send("ValueError", tags={"region": region})
    await shop.send("KeyError")
    await shop.send("TypeError")
    await shop.send("IOError")
    await shop.send("IOError")
    await shop.send("SameError")
    rules = "type:ValueError -> {{ tags.region }}\ntype:KeyError -> x\ntype:TypeError -> x\ntype:IOError -> io"
    rules += "\ntype:X -> y"
    before = await shop.counts()

    found = await shop.house.grouping_rules.try_out(await shop.project(), rules)

    assert (found.event_count, found.issue_count, found.is_cut) == (8, 5, False)
    [split] = found.splits
    assert split.issue.title == "ValueError: no"
    assert [(part.event_count, part.issue) for part in split.parts] == [(2, None), (1, None)]
    [join] = found.joins
    assert ({issue.title for issue in join.issues}, join.into) == ({"KeyError: no", "TypeError: no"}, None)
    assert [issue.title for issue in found.renewed] == ["IOError: no"]
    assert [(hit.line, hit.event_count) for hit in found.hits] == [(1, 3), (2, 1), (3, 1), (4, 2), (5, 0)]
    assert await shop.counts() == before
    assert (await shop.project()).rules_version == 0


async def test_a_trial_knows_issues_that_a_rule_would_lead_to(shop: Shop) -> None:
    await shop.apply("type:ValueError -> one")
    await shop.send("ValueError")
    await shop.send("KeyError")

    found = await shop.house.grouping_rules.try_out(await shop.project(), "type:* -> one")

    [join] = found.joins
    assert join.into
    assert (join.into.title, len(join.issues)) == ("ValueError: no", 2)
    assert (found.splits, found.renewed) == ((), ())


async def test_a_trial_ends_in_time_and_looks_at_few_events_of_each_issue(shop: Shop) -> None:
    for _ in range(TRIED_PER_ISSUE + 3):
        await shop.send("ValueError")
    await shop.send("KeyError")
    seconds = iter([0.0, 0.0, 99.0])
    trying = GroupingRules(shop.house.db, shop.house.events, lambda: next(seconds))

    assert (await shop.house.grouping_rules.try_out(await shop.project(), "")).event_count == TRIED_PER_ISSUE + 1
    found = await trying.try_out(await shop.project(), "type:* -> one")
    assert (found.issue_count, found.is_cut) == (1, True)


async def test_a_newer_algorithm_regroups_nothing_that_is_known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def second(event: Event) -> Grouping:
        """Tells apart what the first one does not."""
        first = fingerprint.group(event)
        return replace(first, hash=bytes([len(event.exceptions[0].value)]) + first.hash[1:], version=2)

    monkeypatch.setitem(ALGORITHMS, 2, second)
    await shop.send("ValueError", "pay", "one")
    await shop.send("KeyError", "pay", "one")
    await shop.house.grouping_rules.move(await shop.project(), 2)
    for value in ("one", "three", "one"):
        await shop.send("ValueError", "pay", value)
    await shop.send("TypeError", "pay", "one")
    await shop.send("TypeError", "pay", "three")

    assert [count for _, count in await shop.counts()] == [4, 1, 1, 1]  # what is new is told apart
    async with shop.house.db.read() as tx:
        hashes = await merges.hashes(tx, (await shop.issues())[0].id, 9)
    assert sorted((one.version, one.linked_by) for one in hashes) == [(1, ""), (2, "version"), (2, "version")]
    shop.clock.now += WINDOW
    await shop.send("ValueError", "pay", "one")
    await shop.send("KeyError", "pay", "one")
    assert [count for _, count in await shop.counts()] == [5, 1, 1, 1, 1]
    with pytest.raises(Invalid):
        await shop.house.grouping_rules.move(await shop.project(), 3)
