"""How much happened when, and with what: the counters behind charts and distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.clock import HOUR
from bugwatch.storage import merges
from bugwatch.storage.database import Reader

# Levels from here on are drawn in red: error and fatal.
ERROR = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose events are counted. Empty and None mean: all."""

    project_ids: tuple[int, ...]
    environment: str = ""
    release: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True)
class TagCount:
    """One of the most frequent values of a key. `total` is of all values, `value_count` how many there are."""

    key: str
    value: str
    count: int
    total: int
    value_count: int


async def volume(tx: Reader, scope: Scope, start: int, step: int) -> dict[int, tuple[int, int]]:
    """(errors, others) by the start of each `step` (ms, a divisor of a day or a number of days) from `start` on."""
    conditions, values = [], {}
    for key, value in (("environment", scope.environment), ("release", scope.release)):
        if value:
            conditions.append(f"""
                AND {key}_id IN (
                    SELECT id FROM tag_values WHERE project_id IN :keys AND key = '{key}' AND value = :{key})""")
            values[key] = value
    level = "" if scope.level is None else "AND level = :level"
    counted = "project_hours" if conditions else "level_hours"
    rows = await tx.among(
        f"""
        SELECT
            hour - hour % CAST(:step AS bigint) AS bucket,
            CAST(SUM(CASE WHEN level >= :error THEN count ELSE 0 END) AS bigint) AS errors,
            CAST(SUM(count) AS bigint) AS events
        FROM {counted}
        WHERE project_id IN :keys AND hour >= :start {level} {"".join(conditions)}
        GROUP BY hour - hour % CAST(:step AS bigint)""",
        scope.project_ids,
        start=start,
        step=step,
        error=ERROR,
        **({} if scope.level is None else {"level": scope.level}),
        **values,
    )
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        errors, others = found.get(row["bucket"], (0, 0))
        found[row["bucket"]] = (errors + row["errors"], others + row["events"] - row["errors"])
    return found


async def hours(tx: Reader, issue_ids: Sequence[int], start: int, step: int = HOUR) -> dict[int, dict[int, int]]:
    """Events by issue, with those of its members, and start of each `step` (as in `volume`), from `start` on."""
    families = await merges.families(tx, issue_ids)
    rows = await tx.among(
        """
        SELECT issue_id, hour - hour % CAST(:step AS bigint) AS bucket, CAST(SUM(count) AS bigint) AS count
        FROM issue_hours
        WHERE issue_id IN :keys AND hour >= :start
        GROUP BY issue_id, hour - hour % CAST(:step AS bigint)""",
        sorted(families),
        start=start,
        step=step,
    )
    found: dict[int, dict[int, int]] = {}
    for row in rows:
        by_hour = found.setdefault(families[row["issue_id"]], {})
        by_hour[row["bucket"]] = by_hour.get(row["bucket"], 0) + row["count"]
    return found


async def tags(tx: Reader, issue_id: int, limit: int) -> list[TagCount]:
    """The most frequent values of each key in an issue and its members, at most `limit` a key, by key and count."""
    # Ranked by number: sorting thousands of values by their text would take most of the time.
    rows = await tx.all(
        f"""
        WITH
            counted AS (
                SELECT tag_values.key, issue_tags.value_id, CAST(SUM(issue_tags.count) AS bigint) AS count
                FROM issue_tags
                JOIN tag_values ON tag_values.id = issue_tags.value_id
                WHERE issue_tags.issue_id IN {merges.FAMILY}
                GROUP BY tag_values.key, issue_tags.value_id),
            ranked AS (
                SELECT key, value_id, count, ROW_NUMBER() OVER (PARTITION BY key ORDER BY count DESC, value_id) AS place
                FROM counted),
            totals AS (
                SELECT key, CAST(SUM(count) AS bigint) AS total, COUNT(*) AS value_count
                FROM counted
                GROUP BY key)
        SELECT ranked.key, tag_values.value, ranked.count, totals.total, totals.value_count
        FROM ranked
        JOIN totals ON totals.key = ranked.key
        JOIN tag_values ON tag_values.id = ranked.value_id
        WHERE place <= :limit
        ORDER BY ranked.key, place""",
        issue_id=issue_id,
        limit=limit,
    )
    return [TagCount(**row) for row in rows]


async def tag_count(tx: Reader, issue_id: int) -> int:
    """How many keys `tags` tells of, in a third of the time."""
    found: int = await tx.value(
        f"""
        SELECT COUNT(DISTINCT tag_values.key)
        FROM issue_tags
        JOIN tag_values ON tag_values.id = issue_tags.value_id
        WHERE issue_tags.issue_id IN {merges.FAMILY}""",
        issue_id=issue_id,
    )
    return found


async def known_values(tx: Reader, project_ids: Sequence[int], key: str, limit: int) -> list[str]:
    """The values of a key, newest first, at most `limit` for every few projects."""
    rows = await tx.among(
        """
        SELECT value, MAX(id) AS id FROM tag_values
        WHERE project_id IN :keys AND key = :key
        GROUP BY value
        ORDER BY MAX(id) DESC
        LIMIT :limit""",
        project_ids,
        key=key,
        limit=limit,
    )
    return list(dict.fromkeys(row["value"] for row in sorted(rows, key=lambda row: -row["id"])))


async def by_project(tx: Reader, project_ids: Sequence[int], start: int) -> dict[int, dict[int, int]]:
    """Events by project and hour, from `start` on."""
    rows = await tx.among(
        """
        SELECT project_id, hour, CAST(SUM(count) AS bigint) AS count
        FROM level_hours
        WHERE project_id IN :keys AND hour >= :start
        GROUP BY project_id, hour""",
        project_ids,
        start=start,
    )
    found: dict[int, dict[int, int]] = {}
    for row in rows:
        found.setdefault(row["project_id"], {})[row["hour"]] = row["count"]
    return found


async def last_seen(tx: Reader, project_ids: Sequence[int]) -> dict[int, int]:
    """When each project's newest issue was last seen, in ms since 1970."""
    rows = await tx.among(
        "SELECT project_id, MAX(last_seen_at) AS at FROM issues WHERE project_id IN :keys GROUP BY project_id",
        project_ids,
    )
    return {row["project_id"]: row["at"] for row in rows}
