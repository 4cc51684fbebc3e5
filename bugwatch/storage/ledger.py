"""What came in and what became of it, per project, hour of arrival and category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bugwatch.domain.outcome import Booking, Category, Outcome
from bugwatch.storage.database import Reader, Row, Tx


async def book(tx: Tx, bookings: Mapping[Booking, int], shard: int) -> None:
    """Count what is in `bookings`. `shard` is the instance, so that instances never wait for each other here."""
    await tx.put(
        """
        INSERT INTO ledger (project_id, hour, category, outcome, reason, shard, count)
        VALUES :rows
        ON CONFLICT (project_id, hour, category, outcome, reason, shard)
        DO UPDATE SET count = ledger.count + excluded.count""",
        [
            (b.project_id, b.hour, str(b.category), str(b.outcome), b.reason, shard, count)
            for b, count in sorted(bookings.items())
        ],
    )


async def refuse(tx: Tx, hour: int, reasons: Mapping[str, int], shard: int) -> None:
    """Count requests that belong to no project."""
    await tx.rows(
        """
        INSERT INTO refusals (hour, reason, shard, count)
        VALUES :rows
        ON CONFLICT (hour, reason, shard)
        DO UPDATE SET count = refusals.count + excluded.count""",
        [(hour, reason, shard, count) for reason, count in sorted(reasons.items())],
    )


async def totals(
    tx: Reader, project_id: int, category: Category, from_hour: int = 0, to_hour: int = 2**62
) -> dict[str, int]:
    """`{outcome: count}` of the hours from `from_hour` to before `to_hour`, and `waiting` from the spool.

    One statement, so that an item that is just being digested is counted once: here or there.
    """
    rows = await tx.all(
        """
        SELECT outcome, CAST(SUM(count) AS bigint) AS total
        FROM ledger
        WHERE project_id = :project_id AND category = :category AND hour >= :from_hour AND hour < :to_hour
        GROUP BY outcome
        UNION ALL
        SELECT 'waiting', COUNT(*)
        FROM spool
        WHERE project_id = :project_id AND category = :category
            AND arrived_hour >= :from_hour AND arrived_hour < :to_hour""",
        project_id=project_id,
        category=str(category),
        from_hour=from_hour,
        to_hour=to_hour,
    )
    return {str(outcome): 0 for outcome in Outcome} | {row["outcome"]: row["total"] for row in rows}


async def by_category(tx: Reader, project_id: int, from_hour: int) -> dict[str, dict[str, int]]:
    """`{category: {outcome: count}}` of the hours from `from_hour` on, `waiting` among the outcomes."""
    rows = await tx.all(
        """
        SELECT category, outcome, CAST(SUM(count) AS bigint) AS total
        FROM ledger
        WHERE project_id = :project_id AND hour >= :from_hour
        GROUP BY category, outcome
        UNION ALL
        SELECT category, 'waiting', COUNT(*)
        FROM spool
        WHERE project_id = :project_id AND arrived_hour >= :from_hour
        GROUP BY category""",
        project_id=project_id,
        from_hour=from_hour,
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["category"], {})[row["outcome"]] = row["total"]
    return found


async def sums(tx: Reader) -> Sequence[Row]:
    """category, outcome and total of all projects and hours."""
    return await tx.all(
        """
        SELECT category, outcome, CAST(SUM(count) AS bigint) AS total
        FROM ledger
        GROUP BY category, outcome
        ORDER BY category, outcome"""
    )


async def refusals(tx: Reader) -> Sequence[Row]:
    """reason and total of the requests that belong to no project."""
    return await tx.all(
        "SELECT reason, CAST(SUM(count) AS bigint) AS total FROM refusals GROUP BY reason ORDER BY reason"
    )


def reported(project_id: int, hour: int, losses: Mapping[tuple[Category, str], int]) -> Counter[Booking]:
    """What an SDK says that it dropped: beside the sum."""
    return Counter(
        {
            Booking(project_id, hour, category, Outcome.REPORTED, reason): count
            for (category, reason), count in losses.items()
        }
    )
