"""Issues as lists show them: found by filters, paged by key, with their counts and trends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bugwatch.domain.issue import Sort
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

    def cursor(self, sort: str) -> Cursor:
        return Cursor(int(getattr(self, SORTS[sort])), self.id)


_COLUMNS = """
    id, project_id, number, status, level, title, title_type, culprit, platform, is_unhandled, first_seen_at,
    last_seen_at, event_count, stored_count, user_count, first_release_id, last_release_id, last_event_id,
    status_changed_at, resolved_at"""

_SHORT_ID = re.compile(r"([A-Za-z0-9-]+)-([0-9]{1,15})")

# What is neither deleted nor part of another issue; in the words of the index `issues_by_status`.
_ALIVE = "issues.deleted_at IS NULL AND issues.merged_into_id IS NULL"

_HAS_TAG = """EXISTS (
    SELECT 1 FROM issue_tags
    WHERE issue_tags.issue_id = issues.id AND issue_tags.value_id = (
        SELECT id FROM tag_values WHERE project_id = issues.project_id AND key = '{key}' AND value = :{key}))"""

_REGRESSED = """issues.status = 'unresolved' AND 'regressed' = (
    SELECT kind FROM transitions WHERE transitions.issue_id = issues.id ORDER BY id DESC LIMIT 1)"""


async def find(
    tx: Reader, search: Search, sort: str, limit: int, *, after: Cursor | None = None, before: Cursor | None = None
) -> list[ListedIssue]:
    """At most `limit` issues, largest first by `sort` (a Sort): those after a place, or those before it."""
    column = SORTS[sort]
    where, values = _conditions(search)
    order = "DESC"
    if place := after or before:
        sign, order = ("<", "DESC") if after else (">", "ASC")
        where += f" AND ({column} {sign} :at OR ({column} = :at AND id {sign} :at_id))"
        values |= {"at": place.value, "at_id": place.id}
    rows = await tx.among(
        f"""
        SELECT {_COLUMNS} FROM issues
        WHERE project_id IN :keys AND {where}
        ORDER BY {column} {order}, id {order}
        LIMIT :limit""",
        search.project_ids,
        limit=limit,
        **values,
    )
    # Many projects are asked for in several statements: the best of each are merged here.
    rows = sorted(rows, key=lambda row: (row[column], row["id"]), reverse=order == "DESC")[:limit]
    found = [_issue_of(row) for row in rows]
    return found if order == "DESC" else found[::-1]


async def count(tx: Reader, search: Search) -> Counter[str]:
    """How many there are by status, whatever the search's own; `regressed` are also among the unresolved."""
    where, values = _conditions(replace(search, status=""))
    rows = await tx.among(
        f"""
        SELECT status, COUNT(*) AS count, COUNT(CASE WHEN {_REGRESSED} THEN 1 END) AS regressed
        FROM issues
        WHERE project_id IN :keys AND {where}
        GROUP BY status""",
        search.project_ids,
        **values,
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["status"]] += row["count"]
        counts["regressed"] += row["regressed"]
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
    return _issue_of(row) if row else None


async def by_number(tx: Reader, project_id: int, number: int) -> ListedIssue | None:
    """SLUG-n."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM issues WHERE project_id = :project_id AND number = :number AND {_ALIVE}",
        project_id=project_id,
        number=number,
    )
    return _issue_of(row) if row else None


async def regressed_among(tx: Reader, issue_ids: Sequence[int]) -> set[int]:
    """Those whose last change of state was that they came back."""
    rows = await tx.among(f"SELECT id FROM issues WHERE id IN :keys AND {_REGRESSED}", issue_ids)
    return {row["id"] for row in rows}


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


def _conditions(search: Search) -> tuple[str, dict[str, int | str]]:
    """The WHERE of a search, besides its projects, and the values that it names."""
    terms: list[tuple[bool, str, dict[str, int | str]]] = [
        (bool(search.status) and search.status != "regressed", "issues.status = :status", {"status": search.status}),
        (search.status == "regressed", _REGRESSED, {}),
        (search.level is not None, "issues.level = :level", {"level": search.level or 0}),
        (bool(search.environment), _HAS_TAG.format(key="environment"), {"environment": search.environment}),
        (bool(search.release), _HAS_TAG.format(key="release"), {"release": search.release}),
        (search.seen_from is not None, "issues.last_seen_at >= :seen_from", {"seen_from": search.seen_from or 0}),
        (search.seen_until is not None, "issues.last_seen_at < :seen_until", {"seen_until": search.seen_until or 0}),
        (search.begun_from is not None, "issues.first_seen_at >= :begun_from", {"begun_from": search.begun_from or 0}),
        (bool(search.text), *_matches(search.text)),
    ]
    values: dict[str, int | str] = {}
    conditions = [_ALIVE]
    for applies, condition, needed in terms:
        if applies:
            conditions.append(condition)
            values |= needed
    return " AND ".join(conditions), values


def _matches(text: str) -> tuple[str, dict[str, int | str]]:
    """Part of the title or of the culprit, in capitals or not; or the whole short id."""
    # SQLite's LOWER knows ASCII only: other letters are looked for as they were typed, small, large, and large first.
    spellings = {_ascii_lower(form) for form in (text, text.lower(), text.upper(), text.capitalize())}
    values: dict[str, int | str] = {f"text{n}": f"%{_escaped(form)}%" for n, form in enumerate(sorted(spellings))}
    terms = [f"LOWER({column}) LIKE :{name} ESCAPE '!'" for name in values for column in ("title", "culprit")]
    if short_id := _SHORT_ID.fullmatch(text.strip()):
        terms.append("""
            number = :number
            AND EXISTS (SELECT 1 FROM projects WHERE projects.id = issues.project_id AND projects.slug = :slug)""")
        values |= {"slug": short_id[1].lower(), "number": int(short_id[2])}
    return f"({' OR '.join(terms)})", values


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _issue_of(row: Row) -> ListedIssue:
    return ListedIssue(**{**row, "is_unhandled": bool(row["is_unhandled"])})
