"""Feedback, sessions and check-ins, kept as they came."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.batch import NewRawItem
from bugwatch.storage.database import Tx


async def add(tx: Tx, batch: Sequence[NewRawItem]) -> tuple[list[NewRawItem], list[NewRawItem]]:
    """Those that were stored, and those whose key was here already."""
    wanted: dict[tuple[int, str, str], NewRawItem] = {}
    repeats: list[NewRawItem] = []
    for new in batch:
        name = (new.arrival.project_id, new.arrival.item_type, new.key)
        if name in wanted:
            repeats.append(new)
        else:
            wanted[name] = new
    rows = await tx.rows(
        """
        INSERT INTO raw_items (id, project_id, item_type, item_key, data)
        VALUES :rows
        ON CONFLICT (project_id, item_type, item_key) DO NOTHING
        RETURNING project_id, item_type, item_key""",
        [(new.arrival.id, *name, new.data) for name, new in sorted(wanted.items(), key=lambda pair: pair[0])],
    )
    won = {(row["project_id"], row["item_type"], row["item_key"]) for row in rows}
    repeats += [new for name, new in wanted.items() if name not in won]
    return [new for name, new in wanted.items() if name in won], repeats
