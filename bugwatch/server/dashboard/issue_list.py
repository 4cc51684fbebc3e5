"""The issues list as its page shows it: rows, tabs with counts, choices, the strip of volume, or why it is empty."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sanic import Request

from bugwatch.domain.batch import LEVELS
from bugwatch.domain.clock import HOUR, hour_of
from bugwatch.domain.issue import Status
from bugwatch.domain.project import Project
from bugwatch.domain.sdk_snippets import Snippet, snippet
from bugwatch.server.context import house
from bugwatch.server.dashboard import charts
from bugwatch.server.dashboard.filters import PERIODS, Filters
from bugwatch.server.dashboard.rows import IssueRow, badges_of, hue_of, level_text, message_of
from bugwatch.server.render import url_for, zone_of
from bugwatch.storage import issue_lists, projects, trends
from bugwatch.storage.database import Reader
from bugwatch.storage.issue_lists import Cursor, ListedIssue, Search
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext, number

PAGE = 25
CHART_HEIGHT = 78
MOST_CHOICES = 100


@dataclass(frozen=True, slots=True)
class ListVerb:
    """Something that can be done to issues. `done` says it afterwards, for a number of them."""

    name: str
    status: Status
    text: str
    icon: str
    key: str

    def done(self, count: int) -> str:
        if count == 0:
            return _("Nothing to change: it was so already.")
        if self.status is Status.RESOLVED:
            return ngettext("%(num)s issue resolved.", "%(num)s issues resolved.", count)
        if self.status is Status.IGNORED:
            return ngettext("%(num)s issue muted.", "%(num)s issues muted.", count)
        return ngettext("%(num)s issue reopened.", "%(num)s issues reopened.", count)


VERBS = {
    verb.name: verb
    for verb in (
        ListVerb("resolve", Status.RESOLVED, _("Resolve"), "check", "e"),
        ListVerb("mute", Status.IGNORED, _("Mute"), "bell-off", "m"),
        ListVerb("reopen", Status.UNRESOLVED, _("Reopen"), "undo-2", ""),
        ListVerb("unmute", Status.UNRESOLVED, _("Unmute"), "bell", ""),
    )
}
_OFFERED = {"resolved": ("reopen", "mute"), "ignored": ("unmute", "resolve"), "all": ("resolve", "mute", "reopen")}


@dataclass(frozen=True, slots=True)
class Tab:
    status: str
    text: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: pairs of (value, text)."""

    environments: list[tuple[str, str]]
    periods: list[tuple[str, str]]
    projects: list[tuple[str, str]]
    levels: list[tuple[str, str]]
    releases: list[str]


@dataclass(frozen=True, slots=True)
class Volume:
    """What the strip above the list says in numbers; `change` is against the period before."""

    period: str
    event_count: int
    change: str
    is_rising: bool
    new_count: int


@dataclass(frozen=True, slots=True)
class Solved:
    id: int
    title: str
    at: int


@dataclass(frozen=True, slots=True)
class Empty:
    """`kind` is no_projects, no_events, no_match or calm. With no_events comes what connects the newest project."""

    kind: str
    sentence: str = ""
    project: Project | None = None
    dsn: str = ""
    snippet: Snippet | None = None
    last: Solved | None = None


@dataclass(frozen=True, slots=True)
class ListView:
    """The page below its top bar. `previous` and `next` are addresses; `empty` says why there are no rows."""

    tabs: list[Tab]
    choices: Choices
    chart: charts.Bars | None
    volume: Volume | None
    rows: list[IssueRow]
    empty: Empty | None
    title: str
    summary: str
    previous: str | None
    next: str | None
    verbs: list[ListVerb]


async def list_view(
    tx: Reader, request: Request, filters: Filters, seen: Sequence[Project], search: Search
) -> ListView:
    counts = await issue_lists.count(tx, search)
    found, previous, following = await _keyset(tx, request, filters, search)
    chart, volume = await _volume(tx, request, filters, search)
    return ListView(
        tabs=_tabs(counts),
        choices=await _choices(tx, seen, search.project_ids),
        chart=chart,
        volume=volume,
        rows=await _rows(tx, found, seen),
        empty=None if found else await _empty(tx, request, filters, seen),
        title=_("Issues, sorted by %(sort)s", sort=_sort_text(filters.sort)),
        summary=_("%(shown)s of %(all)s", shown=len(found), all=number(_matching(counts, filters.status))),
        previous=previous,
        next=following,
        verbs=[VERBS[name] for name in _OFFERED.get(filters.status, ("resolve", "mute"))],
    )


def search_of(filters: Filters, chosen: Sequence[Project], now: int) -> Search:
    return Search(
        project_ids=tuple(project.id for project in chosen),
        status="" if filters.status == "all" else filters.status,
        level=LEVELS.index(next(level for level in LEVELS if level == filters.level)) if filters.level else None,
        environment=filters.environment,
        release=filters.release,
        text=filters.query,
        seen_from=now - filters.span_ms if filters.period else None,
    )


async def named(tx: Reader, chosen: Sequence[Project], query: str) -> ListedIssue | None:
    """The issue that the query names by its short id, as `SHOP-17`."""
    match = re.fullmatch(r"(.+)-(\d{1,9})", query)
    project = next((p for p in chosen if match and p.slug == match[1].lower()), None)
    return await issue_lists.by_number(tx, project.id, int(match[2])) if match and project else None


async def _keyset(
    tx: Reader, request: Request, filters: Filters, search: Search
) -> tuple[list[ListedIssue], str | None, str | None]:
    """A page of issues, and the addresses of the one before and the one after."""
    after, before = _cursor(request.args.get("after")), _cursor(request.args.get("before"))
    found = await issue_lists.find(tx, search, filters.sort, PAGE + 1, after=after, before=before)
    has_more = len(found) > PAGE
    found = found[-PAGE:] if before and not after else found[:PAGE]
    has_previous = has_more if before and not after else after is not None
    has_next = True if before and not after else has_more

    def address(name: str, issue: ListedIssue) -> str:
        place = issue.cursor(filters.sort)
        return url_for(request, "issues.index", **filters.changed(), **{name: f"{place.value}.{place.id}"})

    return (
        found,
        address("before", found[0]) if found and has_previous else None,
        address("after", found[-1]) if found and has_next else None,
    )


def _cursor(text: str | None) -> Cursor | None:
    match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", text or "")
    return Cursor(int(match[1]), int(match[2])) if match else None


async def _rows(tx: Reader, found: Sequence[ListedIssue], seen: Sequence[Project]) -> list[IssueRow]:
    homes = {project.id: project for project in seen}
    issue_ids = [issue.id for issue in found]
    first_hour = hour_of(tx.now) - 23 * HOUR
    hours = await trends.hours(tx, issue_ids, first_hour)
    return [
        IssueRow(
            id=issue.id,
            short_id=homes[issue.project_id].short_id(issue.number),
            project_name=homes[issue.project_id].name,
            project_hue=hue_of(issue.project_id),
            level=LEVELS[issue.level].value,
            type=issue.title_type,
            message=message_of(issue.title, issue.title_type),
            culprit=issue.culprit,
            badges=badges_of(
                issue.status,
                issue.first_seen_at,
                tx.now,
                is_regressed=issue.is_regressed,
                member_count=len(issue.members),
            ),
            event_count=issue.event_count,
            user_count=issue.user_count,
            first_seen_at=issue.first_seen_at,
            last_seen_at=issue.last_seen_at,
            trend=charts.spark([hours.get(issue.id, {}).get(first_hour + n * HOUR, 0) for n in range(24)]),
        )
        for issue in found
    ]


async def _volume(
    tx: Reader, request: Request, filters: Filters, search: Search
) -> tuple[charts.Bars | None, Volume | None]:
    """The strip above the list; None if nothing happened in this period and the one before."""
    span, step = filters.span_ms, filters.step_ms
    size = span // step
    start = tx.now - tx.now % step - (size - 1) * step
    scope = trends.Scope(search.project_ids, search.environment, search.release, search.level)
    counts = await trends.volume(tx, scope, start - span, step)
    if not counts:
        return None, None
    bars = [counts.get(start + n * step, (0, 0)) for n in range(size)]
    total = sum(map(sum, bars))
    change, is_rising = _change(total, sum(map(sum, counts.values())) - total)
    begun = Search(search.project_ids, "", search.level, search.environment, search.release, begun_from=start)
    volume = Volume(
        period=filters.period or "24 h",
        event_count=total,
        change=change,
        is_rising=is_rising,
        new_count=_matching(await issue_lists.count(tx, begun), "all"),
    )
    return charts.bars(start, step, bars, zone_of(request), CHART_HEIGHT), volume


def _change(total: int, before: int) -> tuple[str, bool]:
    """+41% against the period before, and whether that is worth a colour; nothing where numbers are small."""
    if before < 10:
        return "", False
    percent = round(100 * (total - before) / before)
    return (
        f"{percent:+d}%" if abs(percent) < 1000 else _("%(factor)s times", factor=round(total / before))
    ), percent >= 25


def _tabs(counts: Counter[str]) -> list[Tab]:
    texts = {
        "unresolved": _("Unresolved"),
        "regressed": _("Regressed"),
        "ignored": _("Muted"),
        "resolved": _("Resolved"),
        "all": _("All"),
    }
    return [Tab(status, text, _matching(counts, status) or None) for status, text in texts.items()]


def _matching(counts: Counter[str], status: str) -> int:
    """How many a tab shows. The regressed ones are among the unresolved."""
    return sum(counts.values()) - counts["regressed"] if status == "all" else counts[status]


async def _choices(tx: Reader, seen: Sequence[Project], project_ids: Sequence[int]) -> Choices:
    environments = sorted(await trends.known_values(tx, project_ids, "environment", MOST_CHOICES))
    periods = {
        "24h": _("24 hours"),
        "7d": _("7 days"),
        "14d": _("14 days"),
        "30d": _("30 days"),
        "90d": _("90 days"),
    }
    return Choices(
        environments=[("", _("any")), *((name, name) for name in environments)],
        periods=[("", _("Any time")), *((name, periods[name]) for name in PERIODS if name)],
        projects=[("", _("All projects")), *((project.slug, project.name) for project in seen)],
        levels=[("", _("Any level")), *((level.value, level_text(level)) for level in reversed(LEVELS))],
        releases=await trends.known_values(tx, project_ids, "release", MOST_CHOICES),
    )


def _sort_text(sort: str) -> str:
    return {
        "last_seen": _("last seen"),
        "first_seen": _("first seen"),
        "events": _("number of events"),
        "users": _("number of users"),
    }[sort]


async def _empty(tx: Reader, request: Request, filters: Filters, seen: Sequence[Project]) -> Empty:
    if not seen:
        return Empty("no_projects")
    chosen = [project for project in seen if filters.project in ("", project.slug)]
    if chosen and not any(project.first_event_at for project in chosen):
        return await _unconnected(tx, request, max(chosen, key=lambda project: project.created_at))
    if filters.active_count > bool(filters.project):
        return Empty("no_match", _no_match(filters))
    if filters.status == "unresolved":
        last = await issue_lists.last_resolved(tx, [project.id for project in chosen])
        solved = Solved(last.id, last.title, last.resolved_at) if last and last.resolved_at else None
        return Empty("calm", _("Nothing is unresolved."), last=solved)
    sentences = {"ignored": _("Nothing is muted."), "resolved": _("Nothing is resolved yet.")}
    return Empty("calm", sentences.get(filters.status, _("Nothing has come back.")))


async def _unconnected(tx: Reader, request: Request, project: Project) -> Empty:
    """The set-up of a project that has never sent anything, where people look for its events."""
    key = (await projects.current_keys(tx, [project.id])).get(project.id)
    if key is None:
        return Empty("no_events", project=project)
    dsn = house(request).projects.dsn(key)
    events_url = f"{house(request).site.url}/api/v1/events"
    return Empty("no_events", project=project, dsn=dsn, snippet=snippet(project.platform, dsn, events_url))


def _no_match(filters: Filters) -> str:
    """Which filters found nothing."""
    named = (filters.project, filters.environment, filters.level, filters.release, filters.query)
    told = ", ".join(f"“{term}”" for term in named if term)
    if filters.period and not told:
        return _("Nothing was seen in this time.")
    return _("Nothing was found for %(filters)s.", filters=told)
