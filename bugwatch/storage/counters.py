"""Numbers by hour, tag and user: added up in memory per batch, so that a batch costs one statement of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bugwatch.domain.batch import NewEvent
from bugwatch.domain.clock import hour_of
from bugwatch.storage.database import Tx
from bugwatch.storage.events import tags_of
from bugwatch.storage.issues import Change
from bugwatch.storage.tag_values import Tag


async def add_tags(tx: Tx, by_issue: Mapping[int, Change], values: Mapping[Tag, int]) -> None:
    counts: Counter[tuple[int, int]] = Counter()
    last: dict[tuple[int, int], int] = {}
    for issue_id, change in by_issue.items():
        for event in change.events:
            for tag in tags_of(event):
                if tag in values:
                    place = (issue_id, values[tag])
                    counts[place] += 1
                    last[place] = max(last.get(place, 0), event.id)
    await tx.rows(
        """
        INSERT INTO issue_tags (issue_id, value_id, count, last_id)
        VALUES :rows
        ON CONFLICT (issue_id, value_id) DO UPDATE SET
            count = issue_tags.count + excluded.count,
            last_id = CASE WHEN excluded.last_id > issue_tags.last_id
                      THEN excluded.last_id ELSE issue_tags.last_id END""",
        [(*place, counts[place], last[place]) for place in sorted(counts)],
    )


async def add_users(tx: Tx, by_issue: Mapping[int, Change]) -> None:
    """Remember who was affected; each change is told how many of its users are new to it."""
    people: dict[tuple[int, int], NewEvent] = {}
    pairs: set[tuple[int, int]] = set()
    for issue_id, change in by_issue.items():
        for event in change.events:
            if event.user_id is not None:
                people[event.project_id, event.user_id] = event
                pairs.add((issue_id, event.user_id))
    await tx.rows(
        """
        INSERT INTO users (project_id, user_id, label, first_seen_at)
        VALUES :rows
        ON CONFLICT (project_id, user_id) DO NOTHING""",
        [(*person, event.user_label, event.happened_at) for person, event in sorted(people.items())],
    )
    rows = await tx.rows(
        """
        INSERT INTO issue_users (issue_id, user_id)
        VALUES :rows
        ON CONFLICT (issue_id, user_id) DO NOTHING
        RETURNING issue_id""",
        sorted(pairs),
    )
    for row in rows:
        by_issue[row["issue_id"]].new_user_count += 1


async def add_hours(tx: Tx, by_issue: Mapping[int, Change], values: Mapping[Tag, int]) -> None:
    by_hour: Counter[tuple[int, int, int, int]] = Counter()
    of_project: Counter[tuple[int, int, int, int, int]] = Counter()
    for issue_id, change in by_issue.items():
        for e in change.events:
            hour = hour_of(e.happened_at)
            environment_id = values[e.project_id, "environment", e.environment]
            release_id = values[e.project_id, "release", e.release] if e.release else 0
            by_hour[hour, issue_id, environment_id, release_id] += 1
            of_project[e.project_id, hour, environment_id, release_id, e.level_number] += 1
    await tx.rows(
        """
        INSERT INTO issue_hours (hour, issue_id, environment_id, release_id, count)
        VALUES :rows
        ON CONFLICT (hour, issue_id, environment_id, release_id)
        DO UPDATE SET count = issue_hours.count + excluded.count""",
        [(*place, by_hour[place]) for place in sorted(by_hour)],
    )
    await tx.rows(
        """
        INSERT INTO project_hours (project_id, hour, environment_id, release_id, level, count)
        VALUES :rows
        ON CONFLICT (project_id, hour, environment_id, release_id, level)
        DO UPDATE SET count = project_hours.count + excluded.count""",
        [(*place, of_project[place]) for place in sorted(of_project)],
    )
