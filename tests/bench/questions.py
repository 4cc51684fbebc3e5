"""What pages and the API ask the database, for `tests.bench.reads`."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bugwatch.domain.clock import DAY, HOUR
from bugwatch.domain.outcome import Category
from bugwatch.storage import events, issue_lists, ledger, trends
from bugwatch.storage.database import Database, Reader
from bugwatch.storage.issue_lists import Search
from bugwatch.storage.trends import Scope

Question = Callable[[Reader], Awaitable[object]]


@dataclass
class World:
    """What questions are asked about: the large project, all of them, its issues by loudness, and some events."""

    project_id: int
    project_ids: tuple[int, ...]
    issue_ids: list[int]
    loudest: int
    event_ids: list[int]
    now: int


def questions(world: World) -> dict[str, Question]:
    """Each as a page or the API asks it."""
    dice = random.Random(2)
    one = (world.project_id,)
    start = world.now - world.now % HOUR

    def listing(search: Search, sort: str = "last_seen") -> Question:
        return lambda tx: issue_lists.find(tx, search, sort, 26)

    def some_issue() -> int:
        return dice.choice(world.issue_ids)

    async def later_page(tx: Reader) -> object:
        first = await issue_lists.find(tx, Search(one), "last_seen", 26)
        return await issue_lists.find(tx, Search(one), "last_seen", 26, after=first[-1].cursor("last_seen"))

    release = "shop@1.27.0"
    return {
        "list": listing(Search(one)),
        "list, second page after the first": later_page,
        "list, unresolved, by events": listing(Search(one, status="unresolved"), "events"),
        "list, environment": listing(Search(one, environment="staging")),
        "list, release": listing(Search(one, release=release)),
        "list, environment without a match": listing(Search(one, environment="nowhere")),
        "list, regressed": listing(Search(one, status="regressed")),
        "list, all projects": listing(Search(world.project_ids)),
        "list, all projects, environment": listing(Search(world.project_ids, environment="staging")),
        "search": listing(Search(one, text="basket 77")),
        "search, other letters": listing(Search(one, text="größe")),
        "counts of tabs": lambda tx: issue_lists.count(tx, Search(one)),
        "counts of tabs, all projects": lambda tx: issue_lists.count(tx, Search(world.project_ids)),
        "unresolved by project": lambda tx: issue_lists.unresolved(tx, world.project_ids),
        "sparklines of 50 issues": lambda tx: trends.hours(tx, dice.sample(world.issue_ids, 50), start - 23 * HOUR),
        "issue": lambda tx: issue_lists.get(tx, some_issue()),
        "issue, 14 days": lambda tx: trends.hours(tx, [some_issue()], start - 14 * DAY, DAY),
        "loudest issue, 14 days": lambda tx: trends.hours(tx, [world.loudest], start - 14 * DAY, DAY),
        "project, 14 days": lambda tx: trends.volume(tx, Scope(one), start - 14 * DAY, 4 * HOUR),
        "all projects, 14 days": lambda tx: trends.volume(tx, Scope(world.project_ids), start - 14 * DAY, 4 * HOUR),
        "tags": lambda tx: trends.tags(tx, some_issue(), 10),
        "number of the loudest issue's tags": lambda tx: trends.tag_count(tx, world.loudest),
        "tags of the loudest issue": lambda tx: trends.tags(tx, world.loudest, 10),
        "choices of environments": lambda tx: trends.known_values(tx, one, "environment", 50),
        "choices of releases": lambda tx: trends.known_values(tx, one, "release", 50),
        "events of an issue": lambda tx: events.of_issue(tx, some_issue(), 26),
        "events of the loudest issue": lambda tx: events.of_issue(tx, world.loudest, 26),
        "neighbours": lambda tx: events.neighbours(tx, world.loudest, dice.choice(world.event_ids)),
        "ledger, all time": lambda tx: ledger.totals(tx, world.project_id, Category.ERROR),
    }


async def _projects(db: Database) -> list[int]:
    async with db.read() as tx:
        return [row["id"] for row in await tx.all("SELECT id FROM projects ORDER BY id")]


async def world_of(db: Database) -> World:
    project_ids = await _projects(db)
    async with db.read() as tx:
        issues = await tx.all(
            "SELECT id FROM issues WHERE project_id = :id ORDER BY event_count DESC", id=project_ids[0]
        )
        loudest = issues[0]["id"]
        stored = await tx.all("SELECT id FROM event_order WHERE issue_id = :id ORDER BY id LIMIT 500", id=loudest)
        return World(
            project_id=project_ids[0],
            project_ids=tuple(project_ids),
            issue_ids=[row["id"] for row in issues],
            loudest=loudest,
            event_ids=[row["id"] for row in stored],
            now=tx.now,
        )
