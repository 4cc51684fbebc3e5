"""Events as lists show them: without their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.storage.database import Reader


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """`event_id` is 32 hex digits, `level` 0 to 4; release and user may be empty."""

    id: int
    event_id: str
    happened_at: int
    level: int
    environment: str
    release: str
    user: str


async def among(tx: Reader, row_ids: Sequence[int]) -> list[ListedEvent]:
    """Those of `row_ids` that are still here, newest first."""
    rows = await tx.among(
        """
        SELECT
            events.id,
            events.event_id,
            events.happened_at,
            events.level,
            environments.value AS environment,
            COALESCE(releases.value, '') AS release,
            COALESCE(users.label, '') AS user_label
        FROM events
        JOIN tag_values AS environments ON environments.id = events.environment_id
        LEFT JOIN tag_values AS releases ON releases.id = events.release_id
        LEFT JOIN users ON users.project_id = events.project_id AND users.user_id = events.user_id
        WHERE events.id IN :keys""",
        row_ids,
    )
    found = [
        ListedEvent(
            row["id"],
            bytes(row["event_id"]).hex(),
            row["happened_at"],
            row["level"],
            row["environment"],
            row["release"],
            row["user_label"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda event: -event.id)
