"""Issues as lists show them: found by filters, paged by key. A root stands for its family (storage/merges.py): its
numbers are those of all of them, its level and last release those of the latest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from bugwatch.domain.clock import HOUR
from bugwatch.domain.ids import first_id_at
from bugwatch.domain.issue import Sort, Status
from bugwatch.storage import merges
from bugwatch.storage.database import Reader, Row

SORTS: Mapping[str, str] = {
    Sort.LAST_SEEN: "last_seen_at",
    Sort.FIRST_SEEN: "first_seen_at",
    Sort.EVENTS: "event_count",
    Sort.USERS: "user_count",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, in which projects. `status` is unresolved, resolved, ignored, regressed, or empty for all;
    `level` 0 to 4; instants in ms; empty and None mean: whatever."""

    project_ids: tuple[int, ...]
    status: str = ""
    level: int | None = None
    environment: str = ""
    release: str = ""
    text: str = ""
    seen_from: int | None = None
    seen_until: int | None = None
    begun_from: int | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a sorted list: the value that it is sorted by, and the issue's id."""

    value: int
    id: int


@dataclass(frozen=True, slots=True)
class ListedIssue:
    id: int
    project_id: int
    number: int
    status: str
    level: int
    title: str
    title_type: str
    culprit: str
    platform: str
    is_unhandled: bool
    is_regressed: bool
    first_seen_at: int
    last_seen_at: int
    event_count: int
    stored_count: int
    user_count: int
    first_release_id: int | None
    last_release_id: int | None
    last_event_id: int
    status_changed_at: int
    resolved_at: int | None
    members: tuple[int, ...] = ()  # the ids of those that were merged into it

    def cursor(self, sort: str) -> Cursor:
        return Cursor(int(getattr(self, SORTS[sort])), self.id)


_NAMES = tuple(field.name for field in fields(ListedIssue) if field.name != "members")
_COLUMNS = ", ".join(f"issues.{name}" for name in _NAMES)

_SHORT_ID = re.compile(r"([A-Za-z0-9-]+)-([0-9]{1,15})")

# What is neither deleted nor part of another issue; in the words of the index `issues_by_status`.
_ALIVE = "issues.deleted_at IS NULL AND issues.merged_into_id IS NULL"
# All there are: SQLite counts on that index alone only if their name is given.
_STATUSES = str(tuple(status.value for status in Status))

# The sums of each root's members, for what is filtered and sorted by. `latest` is a last event with its level.
_MERGED = """
    LEFT JOIN (
        SELECT
            merged_into_id AS root_id,
            CAST(SUM(event_count) AS bigint) AS event_count,
            MIN(first_seen_at) AS first_seen_at,
            MAX(last_seen_at) AS last_seen_at,
            MAX(last_event_id * 8 + level) AS latest
        FROM issues
        WHERE merged_into_id IS NOT NULL
        GROUP BY merged_into_id) AS merged ON merged.root_id = issues.id"""
_EVENT_COUNT = "(issues.event_count + COALESCE(merged.event_count, 0))"
_FIRST_SEEN = """(CASE WHEN merged.first_seen_at < issues.first_seen_at
    THEN merged.first_seen_at ELSE issues.first_seen_at END)"""
_LAST_SEEN = """(CASE WHEN merged.last_seen_at > issues.last_seen_at
    THEN merged.last_seen_at ELSE issues.last_seen_at END)"""
_LEVEL = """(CASE WHEN merged.latest > issues.last_event_id * 8 + issues.level
    THEN merged.latest % 8 ELSE issues.level END)"""
# Who is older by its id is passed over without being read: nothing is believed to happen an hour after it arrived.
_BEGUN = f"issues.id >= :begun_id AND {_FIRST_SEEN} >= :begun_from"
_USER_COUNT = """(CASE WHEN merged.root_id IS NULL THEN issues.user_count ELSE (
    SELECT COUNT(DISTINCT user_id) FROM issue_users
    WHERE issue_id = issues.id
        OR issue_id IN (SELECT id FROM issues AS members WHERE members.merged_into_id = issues.id)) END)"""
_SORTED_BY = {
    "last_seen_at": _LAST_SEEN,
    "first_seen_at": _FIRST_SEEN,
    "event_count": _EVENT_COUNT,
    "user_count": _USER_COUNT,
}

# The plus keeps SQLite from looking up each of these issues: to walk through all takes less (measured: 9 ms for 13).
_TAGGED = """(
    SELECT issue_id FROM issue_tags
    WHERE is_filter = 1 AND value_id IN (
        SELECT id FROM tag_values WHERE project_id IN :keys AND key = '{key}' AND value = :{key}))"""
_HAS_TAG = f"""(
    +issues.id IN {_TAGGED}
    OR +issues.id IN (
        SELECT merged_into_id FROM issues AS members
        WHERE merged_into_id IS NOT NULL AND +members.id IN {_TAGGED}))"""


async def find(
    tx: Reader, search: Search, sort: str, limit: int, *, after: Cursor | None = None, before: Cursor | None = None
) -> list[ListedIssue]:
    """At most `limit` issues, largest first by `sort` (a Sort): those after a place, or those before it."""
    column = _SORTED_BY[SORTS[sort]]
    where, values = _conditions(search)
    order = "DESC"
    if place := after or before:
        sign, order = ("<", "DESC") if after else (">", "ASC")
        where += f" AND ({column} {sign} :at OR ({column} = :at AND issues.id {sign} :at_id))"
        values |= {"at": place.value, "at_id": place.id}
    rows = await tx.among(
        f"""
        SELECT {_COLUMNS}, {column} AS place FROM issues {_MERGED}
        WHERE issues.project_id IN :keys AND {where}
        ORDER BY place {order}, issues.id {order}
        LIMIT :limit""",
        search.project_ids,
        limit=limit,
        **values,
    )
    # Many projects are asked for in several statements: the best of each are merged here.
    rows = sorted(rows, key=lambda row: (row["place"], row["id"]), reverse=order == "DESC")[:limit]
    found = await _whole(tx, rows)
    return found if order == "DESC" else found[::-1]


async def count(tx: Reader, search: Search) -> Counter[str]:
    """How many there are by status, whatever the search's own; `regressed` are also among the unresolved."""
    where, values = _conditions(replace(search, status=""))
    rows = await tx.among(
        f"""
        SELECT status, is_regressed, COUNT(*) AS count
        FROM issues {_MERGED if "merged." in where else ""}
        WHERE issues.project_id IN :keys AND status IN {_STATUSES} AND {where}
        GROUP BY project_id, status, is_regressed""",
        search.project_ids,
        **values,
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["status"]] += row["count"]
        counts["regressed"] += row["count"] * row["is_regressed"]
    return counts


async def unresolved(tx: Reader, project_ids: Sequence[int]) -> dict[int, int]:
    """How many issues of each project wait for somebody."""
    rows = await tx.among(
        f"""
        SELECT project_id, COUNT(*) AS count FROM issues
        WHERE project_id IN :keys AND status = 'unresolved' AND {_ALIVE}
        GROUP BY project_id""",
        project_ids,
    )
    return {row["project_id"]: row["count"] for row in rows}


async def get(tx: Reader, issue_id: int) -> ListedIssue | None:
    """The issue, unless it was deleted or merged away."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM issues WHERE id = :id AND {_ALIVE}", id=issue_id)
    return next(iter(await _whole(tx, [row])), None) if row else None


async def get_merged(tx: Reader, issue_id: int) -> tuple[ListedIssue, int] | None:
    """An issue that was merged, with its own numbers and its root's state, and the root's id; None if it is not."""
    row = await tx.one(
        f"""
        SELECT {_COLUMNS}, merged_into_id FROM issues
        WHERE id = :id AND deleted_at IS NULL AND merged_into_id IS NOT NULL""",
        id=issue_id,
    )
    root = await get(tx, row["merged_into_id"]) if row else None
    if row is None or root is None:
        return None
    state = {name: getattr(root, name) for name in ("status", "is_regressed", "status_changed_at", "resolved_at")}
    return replace(_issue_of(row), **state), root.id


async def by_number(tx: Reader, project_id: int, number: int) -> ListedIssue | None:
    """SLUG-n, or what it was merged into."""
    row = await tx.one(
        """
        SELECT COALESCE(merged_into_id, id) AS id FROM issues
        WHERE project_id = :project_id AND number = :number AND deleted_at IS NULL""",
        project_id=project_id,
        number=number,
    )
    return await get(tx, row["id"]) if row else None


async def last_resolved(tx: Reader, project_ids: Sequence[int]) -> ListedIssue | None:
    rows = await tx.among(
        f"""
        SELECT {_COLUMNS} FROM issues
        WHERE project_id IN :keys AND status = 'resolved' AND {_ALIVE}
        ORDER BY resolved_at DESC
        LIMIT 1""",
        project_ids,
    )
    return _issue_of(max(rows, key=lambda row: row["resolved_at"])) if rows else None


async def _whole(tx: Reader, rows: Sequence[Row]) -> list[ListedIssue]:
    """The issues, those with members with the numbers of their family."""
    found = [_issue_of(row) for row in rows]
    merged = await tx.among(
        f"SELECT {_COLUMNS}, merged_into_id FROM issues WHERE merged_into_id IN :keys", [issue.id for issue in found]
    )
    members: dict[int, list[ListedIssue]] = {}
    for row in merged:
        members.setdefault(row["merged_into_id"], []).append(_issue_of(row))
    return [await _family(tx, issue, members[issue.id]) if issue.id in members else issue for issue in found]


async def _family(tx: Reader, root: ListedIssue, members: Sequence[ListedIssue]) -> ListedIssue:
    family = [root, *members]
    latest = max(family, key=lambda issue: issue.last_event_id)
    by_time = sorted(family, key=lambda issue: issue.last_event_id)
    return replace(
        root,
        level=latest.level,
        is_unhandled=latest.is_unhandled,
        first_seen_at=min(issue.first_seen_at for issue in family),
        last_seen_at=max(issue.last_seen_at for issue in family),
        event_count=sum(issue.event_count for issue in family),
        stored_count=sum(issue.stored_count for issue in family),
        user_count=await merges.user_count(tx, root.id),
        first_release_id=min(family, key=lambda issue: issue.first_seen_at).first_release_id,
        last_release_id=next((i.last_release_id for i in reversed(by_time) if i.last_release_id), None),
        last_event_id=latest.last_event_id,
        members=tuple(issue.id for issue in members),
    )


def _conditions(search: Search) -> tuple[str, dict[str, int | str]]:
    """The WHERE of a search, besides its projects, and the values that it names."""
    terms: list[tuple[bool, str, dict[str, int | str]]] = [
        (bool(search.status) and search.status != "regressed", "issues.status = :status", {"status": search.status}),
        (search.status == "regressed", "issues.status = 'unresolved' AND issues.is_regressed = 1", {}),
        (search.level is not None, f"{_LEVEL} = :level", {"level": search.level or 0}),
        (bool(search.environment), _HAS_TAG.format(key="environment"), {"environment": search.environment}),
        (bool(search.release), _HAS_TAG.format(key="release"), {"release": search.release}),
        (search.seen_from is not None, f"{_LAST_SEEN} >= :seen_from", {"seen_from": search.seen_from or 0}),
        (search.seen_until is not None, f"{_LAST_SEEN} < :seen_until", {"seen_until": search.seen_until or 0}),
        (search.begun_from is not None, _BEGUN, _begun(search.begun_from or 0)),
        (bool(search.text), *_matches(search.text)),
    ]
    values: dict[str, int | str] = {}
    conditions = [_ALIVE]
    for applies, condition, needed in terms:
        if applies:
            conditions.append(condition)
            values |= needed
    return " AND ".join(conditions), values


def _begun(instant: int) -> dict[str, int | str]:
    return {"begun_from": instant, "begun_id": first_id_at(instant - HOUR)}


def _matches(text: str) -> tuple[str, dict[str, int | str]]:
    """Part of the title or of the culprit, in capitals or not; or the whole short id. A member's find its root."""
    # SQLite's LOWER knows ASCII only: other letters are looked for as they were typed, small, large, and large first.
    spellings = {_ascii_lower(form) for form in (text, text.lower(), text.upper(), text.capitalize())}
    values: dict[str, int | str] = {f"text{n}": f"%{_escaped(form)}%" for n, form in enumerate(sorted(spellings))}
    terms = [f"LOWER(named.{column}) LIKE :{name} ESCAPE '!'" for name in values for column in ("title", "culprit")]
    if short_id := _SHORT_ID.fullmatch(text.strip()):
        terms.append("""
            named.number = :number
            AND EXISTS (SELECT 1 FROM projects WHERE projects.id = issues.project_id AND projects.slug = :slug)""")
        values |= {"slug": short_id[1].lower(), "number": int(short_id[2])}
    named = " OR ".join(terms)
    own = named.replace("named.", "issues.")
    return (
        f"""({own} OR issues.id IN (
            SELECT merged_into_id FROM issues AS named WHERE merged_into_id IS NOT NULL AND ({named})))""",
        values,
    )


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _issue_of(row: Row) -> ListedIssue:
    values = {name: row[name] for name in _NAMES}
    return ListedIssue(**values | {name: bool(values[name]) for name in ("is_unhandled", "is_regressed")})
