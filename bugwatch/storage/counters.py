"""Numbers by hour, tag and user: added up in memory per batch, so that a batch costs one statement of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bugwatch.domain.batch import NewEvent
from bugwatch.storage.database import Tx
from bugwatch.storage.events import Placed
from bugwatch.storage.issues import Change


async def add_tags(tx: Tx, by_issue: Mapping[int, Change]) -> None:
    """`by_issue` is sorted, as `issues.changes` makes it."""
    rows: list[tuple[int, int, int, int, int]] = []
    for issue_id, change in by_issue.items():
        tags: dict[int, tuple[int, int, int, int, int]] = {}
        for event in change.events:
            filters = (event.environment_id, event.release_id)
            for value_id in event.tag_ids:
                count = tags[value_id][2] if value_id in tags else 0
                tags[value_id] = (issue_id, value_id, count + 1, event.id, 1 if value_id in filters else 0)
        rows += sorted(tags.values())
    await tx.put(
        """
        INSERT INTO issue_tags (issue_id, value_id, count, last_id, is_filter)
        VALUES :rows
        ON CONFLICT (issue_id, value_id) DO UPDATE SET
            count = issue_tags.count + excluded.count,
            last_id = CASE WHEN excluded.last_id > issue_tags.last_id
                      THEN excluded.last_id ELSE issue_tags.last_id END""",
        rows,
    )


async def add_users(tx: Tx, by_issue: Mapping[int, Change]) -> None:
    """Remember who was affected; each change is told how many of its users are new to it."""
    people: dict[tuple[int, int], NewEvent] = {}
    for issue_id, change in by_issue.items():
        for placed in change.events:
            if placed.event.user_id is not None:
                people[issue_id, placed.event.user_id] = placed.event
    rows = await tx.rows(
        """
        INSERT INTO issue_users (issue_id, user_id)
        VALUES :rows
        ON CONFLICT (issue_id, user_id) DO NOTHING
        RETURNING issue_id, user_id""",
        sorted(people),
    )
    # Whoever is known to an issue is known to its project.
    new: dict[tuple[int, int], NewEvent] = {}
    for row in rows:
        by_issue[row["issue_id"]].new_user_count += 1
        event = people[row["issue_id"], row["user_id"]]
        new[event.project_id, row["user_id"]] = event
    await tx.put(
        """
        INSERT INTO users (project_id, user_id, label, first_seen_at)
        VALUES :rows
        ON CONFLICT (project_id, user_id) DO NOTHING""",
        [(*person, event.user_label, event.happened_at) for person, event in sorted(new.items())],
    )


async def add_hours(tx: Tx, placed: Sequence[Placed]) -> None:
    by_hour = Counter([(e.hour, e.issue_id, e.environment_id, e.release_id or 0) for e in placed])
    of_project = Counter([(e.project_id, e.hour, e.environment_id, e.release_id or 0, e.level) for e in placed])
    of_level: Counter[tuple[int, int, int]] = Counter()
    for (project_id, hour, _, _, level), count in of_project.items():
        of_level[project_id, hour, level] += count
    await tx.put(
        """
        INSERT INTO issue_hours (hour, issue_id, environment_id, release_id, count)
        VALUES :rows
        ON CONFLICT (hour, issue_id, environment_id, release_id)
        DO UPDATE SET count = issue_hours.count + excluded.count""",
        [(*place, by_hour[place]) for place in sorted(by_hour)],
    )
    await tx.put(
        """
        INSERT INTO project_hours (project_id, hour, environment_id, release_id, level, count)
        VALUES :rows
        ON CONFLICT (project_id, hour, environment_id, release_id, level)
        DO UPDATE SET count = project_hours.count + excluded.count""",
        [(*place, of_project[place]) for place in sorted(of_project)],
    )
    await tx.put(
        """
        INSERT INTO level_hours (project_id, hour, level, count)
        VALUES :rows
        ON CONFLICT (project_id, hour, level) DO UPDATE SET count = level_hours.count + excluded.count""",
        [(*place, of_level[place]) for place in sorted(of_level)],
    )
