"""An issue as its own page shows it: its head with numbers and chart, one event in full, its tags, its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sanic import Request

from bugwatch.domain.batch import LEVELS
from bugwatch.domain.clock import DAY, HOUR
from bugwatch.domain.event import Event
from bugwatch.domain.fingerprint import Grouping
from bugwatch.domain.project import Project
from bugwatch.domain.source_link import SourceLink
from bugwatch.server.dashboard import charts
from bugwatch.server.dashboard.breadcrumbs import CrumbView, crumbs_of
from bugwatch.server.dashboard.facts import (
    Fact,
    Pair,
    RequestView,
    Section,
    contexts_of,
    facts_of,
    notes_of,
    pairs_of,
    request_of,
)
from bugwatch.server.dashboard.rows import Badge, badges_of, hue_of, level_text, message_of, status_text
from bugwatch.server.dashboard.traces import TraceView, trace_of
from bugwatch.server.render import zone_of
from bugwatch.services.events import Opened
from bugwatch.storage import issue_states, tag_values, trends
from bugwatch.storage.database import Reader
from bugwatch.storage.issue_lists import ListedIssue
from bugwatch.storage.issue_states import Activity
from bugwatch.templates import gettext as _

CHART_HEIGHT = 82
# The shortest of these that reaches back to the last event is drawn: (how far, how wide a bar).
SPANS = ((DAY, HOUR), (14 * DAY, 4 * HOUR), (90 * DAY, DAY))
VALUES_SHOWN = 10
COMMON_TAGS = 6
ACTIVITY_SHOWN = 8
# Tags that the head of the page, or another tag, says as well.
TOLD_ELSEWHERE = {"level", "handled", "mechanism", "os.name", "runtime.name", "browser.name", "sdk"}


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag with its most frequent values; `rest` is how many values are not shown."""

    key: str
    values: tuple[charts.Share, ...]
    value_count: int
    rest: int


@dataclass(frozen=True, slots=True)
class IssueView:
    """The head of the page, on all its tabs. `type` may be empty: then `message` is the title."""

    id: int
    short_id: str
    title: str
    type: str
    message: str
    culprit: str
    project: Project
    project_hue: int
    level: str
    level_text: str
    status: str
    status_text: str
    status_changed_at: int
    badges: tuple[Badge, ...]
    day_count: int
    event_count: int
    stored_count: int
    user_count: int
    tag_count: int
    member_count: int
    first_seen_at: int
    last_seen_at: int
    first_release: str
    last_release: str
    chart: charts.Bars


@dataclass(frozen=True, slots=True)
class EventView:
    """One event, in the order in which people debug. `message` is set where the trace does not say it; `is_elsewhere`
    where today's rules would put such an event into another issue."""

    event_id: str
    happened_at: int
    received_at: int
    message: str
    facts: tuple[Fact, ...]
    trace: TraceView | None
    crumbs: tuple[CrumbView, ...]
    request: RequestView | None
    contexts: tuple[Section, ...]
    modules: tuple[Pair, ...]
    tags: tuple[tuple[str, str], ...]
    grouping: Grouping
    is_elsewhere: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActView:
    icon: str
    kind: str
    text: str
    at: int


async def issue_view(tx: Reader, request: Request, project: Project, issue: ListedIssue, tag_count: int) -> IssueView:
    known = (issue.first_release_id, issue.last_release_id)
    names = await tag_values.named(tx, [number for number in known if number])
    by_hour = (await trends.hours(tx, [issue.id], tx.now - DAY)).get(issue.id, {})
    first, last = ("" if number is None else names.get(number, ("", ""))[1] for number in known)
    return IssueView(
        id=issue.id,
        short_id=project.short_id(issue.number),
        title=issue.title,
        type=issue.title_type,
        message=message_of(issue.title, issue.title_type),
        culprit=issue.culprit,
        project=project,
        project_hue=hue_of(project.id),
        level=LEVELS[issue.level].value,
        level_text=level_text(LEVELS[issue.level]),
        status=issue.status,
        status_text=status_text(issue.status),
        status_changed_at=issue.status_changed_at,
        badges=badges_of(
            issue.status,
            issue.first_seen_at,
            tx.now,
            is_regressed=issue.is_regressed,
            is_unhandled=issue.is_unhandled,
            member_count=len(issue.members),
        ),
        day_count=sum(by_hour.values()),
        event_count=issue.event_count,
        stored_count=issue.stored_count,
        user_count=issue.user_count,
        tag_count=tag_count,
        member_count=len(issue.members),
        first_seen_at=issue.first_seen_at,
        last_seen_at=issue.last_seen_at,
        first_release=first,
        last_release=last,
        chart=await _chart(tx, request, issue),
    )


async def _chart(tx: Reader, request: Request, issue: ListedIssue) -> charts.Bars:
    past = tx.now - issue.last_seen_at
    span, step = next((pair for pair in SPANS if past < pair[0] - pair[1]), SPANS[-1])
    size = span // step
    start = tx.now - tx.now % step - (size - 1) * step
    counts = (await trends.hours(tx, [issue.id], start, step)).get(issue.id, {})
    is_error = LEVELS[issue.level] in ("error", "fatal")
    amounts = [counts.get(start + n * step, 0) for n in range(size)]
    pairs = [(amount, 0) if is_error else (0, amount) for amount in amounts]
    return charts.bars(start, step, pairs, zone_of(request), CHART_HEIGHT)


async def tags_view(tx: Reader, issue: ListedIssue) -> list[TagView]:
    """The issue's tags, those that most events have first."""
    counts = await trends.tags(tx, issue.id, VALUES_SHOWN)
    found = []
    for key, group in groupby(counts, key=lambda count: count.key):
        members = tuple(group)
        total, value_count = members[0].total, members[0].value_count
        values = tuple(charts.Share(m.value, m.count, round(100 * m.count / total)) for m in members)
        found.append((-total, key, TagView(key, values, value_count, value_count - len(values))))
    return [view for *_order, view in sorted(found, key=lambda entry: entry[:2])]


def event_view(opened: Opened, frames: str, link: SourceLink) -> EventView:
    """`frames` is how the trace is shown, see `traces.MODES`."""
    event = opened.event
    return EventView(
        event_id=opened.stored.event_id,
        happened_at=event.happened_at,
        received_at=opened.stored.received_at,
        message=_message(event),
        facts=facts_of(event),
        trace=trace_of(event, frames, link),
        crumbs=crumbs_of(event),
        request=request_of(event),
        contexts=contexts_of(event),
        modules=pairs_of(event.modules),
        tags=event.tags,
        grouping=opened.grouping,
        is_elsewhere=not opened.leads_here,
        notes=notes_of(event),
    )


def _message(event: Event) -> str:
    """The message, unless an exception has the same words."""
    values = {exception.value for exception in event.exceptions}
    return event.message if event.message not in values else ""


async def activity_view(tx: Reader, project: Project, issue_id: int) -> list[ActView]:
    """What happened to the issue, newest first."""
    return [_act(project, change) for change in await issue_states.activity(tx, issue_id, ACTIVITY_SHOWN)]


def _act(project: Project, change: Activity) -> ActView:
    by_itself = {
        "new": ("zap", _("Seen for the first time")),
        "regressed": ("undo-2", _("Came back after it was resolved")),
    }
    by_hand = {
        "resolved": ("check", _("%(who)s resolved it", who=change.who or _("Somebody"))),
        "ignored": ("bell-off", _("%(who)s muted it", who=change.who or _("Somebody"))),
        "unresolved": ("circle-dot", _("%(who)s reopened it", who=change.who or _("Somebody"))),
    }
    other = change.number and project.short_id(change.number)
    who = change.who or _("Somebody")
    if other and change.is_root:
        by_hand |= {
            "merged": ("merge", _("%(who)s merged %(issue)s into it", who=who, issue=other)),
            "unmerged": ("undo-2", _("%(who)s took %(issue)s out of it", who=who, issue=other)),
        }
    elif other:
        by_hand |= {
            "merged": ("merge", _("%(who)s merged it into %(issue)s", who=who, issue=other)),
            "unmerged": ("undo-2", _("%(who)s took it out of %(issue)s", who=who, issue=other)),
        }
    icon, text = (by_itself | by_hand).get(change.kind, ("circle-dot", change.kind))
    return ActView(icon, change.kind, text, change.at)


def common(tags: Sequence[TagView]) -> list[TagView]:
    """Those that stand beside the event: where and in what it happens, then what differs between events."""
    order = {"environment": 0, "release": 1}
    told = [tag for tag in tags if tag.key not in TOLD_ELSEWHERE]
    return sorted(told, key=lambda tag: (order.get(tag.key, 2), tag.value_count == 1))[:COMMON_TAGS]
