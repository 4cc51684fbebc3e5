"""A project's grouping rules: tried on stored events, put in force, and the algorithm that they stand on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bugwatch.domain.clock import DAY
from bugwatch.domain.errors import Conflict, Invalid
from bugwatch.domain.fingerprint import Grouping
from bugwatch.domain.grouping import ALGORITHMS, RULE, Policy, group
from bugwatch.domain.grouping_rule import Rules, parse
from bugwatch.domain.project import Project
from bugwatch.services.events import Events
from bugwatch.services.pipeline import issue_hash
from bugwatch.storage import events, grouping_rules, issue_lists
from bugwatch.storage.database import Database
from bugwatch.storage.issue_lists import ListedIssue, Search

# For how long the hashes of an older algorithm lead to issues after a project moved to a newer one.
WINDOW = 90 * DAY

# What a trial looks at, and for how long at most.
TRIED_ISSUES = 200
TRIED_EVENTS = 1_000
TRIED_PER_ISSUE = 20
TRIED_S = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """Where some of an issue's events would go: `issue` is the one that they would join; None: a new one."""

    title: str
    event_count: int
    issue: ListedIssue | None


@dataclass(frozen=True, slots=True)
class Split:
    """An issue whose events would no longer be together."""

    issue: ListedIssue
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Issues whose events would be together: in one of them, or in a new one (`into` None)."""

    title: str
    issues: tuple[ListedIssue, ...]
    into: ListedIssue | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule and how many of the events it took part in."""

    line: int
    text: str
    event_count: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules would do to events like those that are stored. `renewed` are issues that would go on as new ones.
    `is_cut`: time ran out before all that should be looked at were."""

    event_count: int
    issue_count: int
    is_cut: bool
    splits: tuple[Split, ...]
    joins: tuple[Join, ...]
    renewed: tuple[ListedIssue, ...]
    hits: tuple[Hit, ...]


@dataclass(slots=True)
class _Sample:
    """What was found so far. A place is the id of an issue, or a hash that leads to none yet."""

    places: dict[int, Counter[int | bytes]] = field(default_factory=dict)
    titles: dict[int | bytes, str] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    event_count: int = 0


class GroupingRules:
    def __init__(self, db: Database, events: Events, seconds: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._events = events
        self._seconds = seconds
        self._turn = asyncio.Lock()  # one trial at a time: each has the processor for a while

    async def apply(self, project: Project, rules: str, account_id: int, version: int | None = None) -> Project:
        """Put rules in force for the events that come from now on; issues stay as they are. Raises Invalid with the
        line, and Conflict if they are no longer those of `version` (None: of `project`) that were changed."""
        rules = _clean(rules)
        parse(rules)
        version = project.rules_version if version is None else version
        if not await self._db.write(lambda tx: grouping_rules.put(tx, project.id, rules, version, account_id)):
            raise Conflict("Somebody else changed the rules in the meantime. Reload the page and try again.", "rules")
        return replace(project, grouping_rules=rules, rules_version=version + 1)

    async def move(self, project: Project, version: int) -> None:
        """Group with this version of the algorithm from now on. For `WINDOW`, what an issue is known by under the one
        until now leads there, and is joined by the new hash."""
        if version not in ALGORITHMS:
            raise Invalid(f"There is no version {version} of grouping.", "version")
        await self._db.write(lambda tx: grouping_rules.move(tx, project.id, version, tx.now + WINDOW))

    async def try_out(self, project: Project, rules: str) -> Trial:
        """What would become of events like the latest ones of the latest issues. Raises Invalid as `apply` does."""
        rules = _clean(rules)
        parsed = parse(rules)
        async with self._turn:
            return await self._tried(project, rules, parsed)

    async def _tried(self, project: Project, rules: str, parsed: Rules) -> Trial:
        now, then = Policy(project.grouping_rules, project.grouping_version), Policy(rules, project.grouping_version)
        until = self._seconds() + TRIED_S
        async with self._db.read() as tx:
            found = await issue_lists.find(tx, Search((project.id,)), "last_seen", TRIED_ISSUES)
        issues = {issue.id: issue for issue in found}
        sample, is_cut = _Sample(), False
        per_issue = max(1, min(TRIED_PER_ISSUE, TRIED_EVENTS // max(1, len(issues))))
        for issue_id in issues:
            if self._seconds() > until:
                is_cut = True
                break
            await self._look(project, issue_id, per_issue, (now, then), sample)
        return await self._trial(project, issues, sample, is_cut, [(rule.line, rule.text) for rule in parsed.rules])

    async def _look(
        self, project: Project, issue_id: int, count: int, policies: tuple[Policy, Policy], sample: _Sample
    ) -> None:
        """Add the latest events of an issue to the sample."""
        async with self._db.read() as tx:
            stored = await events.of_issue(tx, issue_id, count)
        places = sample.places.setdefault(issue_id, Counter())
        for one in stored:
            event = await self._events.skimmed(project, one)
            before, after = (group(event, policy) for policy in policies)
            place = issue_id if before.hash == after.hash else issue_hash(project.id, after.hash)
            places[place] += 1
            sample.titles.setdefault(place, after.title)
            sample.hits.update(_rules_of(after))
            sample.event_count += 1
            await asyncio.sleep(0)  # others have their turn

    async def _trial(
        self,
        project: Project,
        issues: dict[int, ListedIssue],
        sample: _Sample,
        is_cut: bool,
        rules: list[tuple[int, str]],
    ) -> Trial:
        """What the sample says, once it is known which hashes lead to issues already."""
        hashes = {place for places in sample.places.values() for place in places if isinstance(place, bytes)}
        async with self._db.read() as tx:
            known = await grouping_rules.known(tx, sorted(hashes))
            for root_id in set(known.values()) - issues.keys():
                issue = await issue_lists.get(tx, root_id)
                if issue and issue.project_id == project.id:
                    issues[root_id] = issue
        moves: dict[int, Counter[int | bytes]] = {}
        for issue_id, places in sample.places.items():
            for place, count in places.items():
                goal = known.get(place, place) if isinstance(place, bytes) else place
                moves.setdefault(issue_id, Counter())[goal] += count
        return Trial(
            event_count=sample.event_count,
            issue_count=len(sample.places),
            is_cut=is_cut,
            splits=_splits(moves, issues, sample),
            joins=_joins(moves, issues, sample),
            renewed=_renewed(moves, issues),
            hits=tuple(Hit(line, text, sample.hits[text]) for line, text in rules),
        )


def _splits(
    moves: dict[int, Counter[int | bytes]], issues: dict[int, ListedIssue], sample: _Sample
) -> tuple[Split, ...]:
    return tuple(
        Split(
            issues[issue_id],
            tuple(
                Part(_title(goal, issues, sample), count, issues.get(goal) if isinstance(goal, int) else None)
                for goal, count in goals.most_common()
            ),
        )
        for issue_id, goals in moves.items()
        if len(goals) > 1
    )


def _joins(moves: dict[int, Counter[int | bytes]], issues: dict[int, ListedIssue], sample: _Sample) -> tuple[Join, ...]:
    return tuple(
        Join(
            _title(goal, issues, sample),
            tuple(issues[issue_id] for issue_id in sorted(comers)),
            issues.get(goal) if isinstance(goal, int) else None,
        )
        for goal, comers in _comers(moves).items()
        if len(comers) > 1
    )


def _renewed(moves: dict[int, Counter[int | bytes]], issues: dict[int, ListedIssue]) -> tuple[ListedIssue, ...]:
    comers = _comers(moves)
    return tuple(
        issues[issue_id]
        for issue_id, goals in moves.items()
        if len(goals) == 1 and all(isinstance(goal, bytes) and len(comers[goal]) == 1 for goal in goals)
    )


def _comers(moves: dict[int, Counter[int | bytes]]) -> dict[int | bytes, set[int]]:
    """The issues whose events go to each place. An issue that others join is there itself."""
    comers: dict[int | bytes, set[int]] = {}
    for issue_id, goals in moves.items():
        for goal in goals:
            comers.setdefault(goal, {goal} if isinstance(goal, int) else set()).add(issue_id)
    return comers


def _title(goal: int | bytes, issues: dict[int, ListedIssue], sample: _Sample) -> str:
    return issues[goal].title if isinstance(goal, int) and goal in issues else sample.titles.get(goal, "")


def _rules_of(grouping: Grouping) -> set[str]:
    return {part.value for part in grouping.components if part.name == RULE}


def _clean(rules: str) -> str:
    """In the line ends that we store, without blanks at the end."""
    return "\n".join(line.rstrip() for line in rules.splitlines()).strip("\n")
