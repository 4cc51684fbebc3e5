"""What is durable but not digested yet, and what could not be: raw, with the error. It counts as waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bugwatch.domain.batch import Arrival
from bugwatch.domain.clock import MINUTE
from bugwatch.domain.limits import MIB
from bugwatch.domain.outcome import Category
from bugwatch.storage.database import Reader, Row, Tx

LOAN = 5 * MINUTE
PORTION_BYTES = 16 * MIB


class Settled(Exception):
    """Another instance has settled these items: we took longer than our loan, and they are stored and booked."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """`bytes` of raw items in `count` rows; `failed_count` of them carry an error."""

    count: int
    bytes: int
    failed_count: int


async def put(tx: Tx, items: Sequence[tuple[Arrival, str | None]]) -> None:
    """Keep items for later; with an error, until an operator or a newer program looks at them."""
    await tx.rows(
        """
        INSERT INTO spool (id, project_id, category, arrived_hour, item_type, headers, raw, error, claimed_until)
        VALUES :rows""",
        [(a.id, a.project_id, str(a.category), a.hour, a.item_type, _headers(a), a.payload, e, 0) for a, e in items],
    )


async def take(tx: Tx, limit: int, instance: int) -> list[Arrival]:
    """Lend out the oldest items that nobody else is working on: at most `limit`, and about `PORTION_BYTES`.

    Settled by `remove` in the transaction of their verdict. What this instance borrowed before, it did not settle.
    """
    rows = await tx.all(
        """
        UPDATE spool SET claimed_by = :instance, claimed_until = :until
        WHERE (claimed_until < :now OR claimed_by = :instance) AND id IN (
            SELECT id FROM (
                SELECT id, SUM(size) OVER (ORDER BY id) - size AS bytes_before FROM (
                    SELECT id, LENGTH(raw) AS size FROM spool
                    WHERE error IS NULL AND (claimed_until < :now OR claimed_by = :instance)
                    ORDER BY id
                    LIMIT :limit) AS oldest) AS portion
            WHERE bytes_before < :most)
        RETURNING *""",
        instance=instance,
        until=tx.now + LOAN,
        now=tx.now,
        limit=limit,
        most=PORTION_BYTES,
    )
    return sorted((_arrival(row) for row in rows), key=lambda arrival: arrival.id)


async def remove(tx: Tx, ids: Sequence[int]) -> None:
    """Settle these items, in the transaction of their verdict. Raises Settled if one is not there any more."""
    if len(await tx.among("DELETE FROM spool WHERE id IN :keys RETURNING id", sorted(ids))) < len(ids):
        raise Settled("Items of the spool are settled already.")


async def retry_all(tx: Tx) -> int:
    """At start: try once more what failed. How many rows that is."""
    return await tx.run("UPDATE spool SET error = NULL WHERE error IS NOT NULL")


async def waiting(tx: Reader) -> Waiting:
    row = await tx.one(
        """
        SELECT COUNT(*) AS count,
            CAST(COALESCE(SUM(LENGTH(raw)), 0) AS bigint) AS bytes,
            COUNT(error) AS failed_count
        FROM spool"""
    )
    assert row is not None
    return Waiting(row["count"], row["bytes"], row["failed_count"])


async def failed_count(tx: Reader, project_ids: Sequence[int]) -> int:
    """How many items of these projects could not be digested."""
    rows = await tx.among(
        "SELECT COUNT(*) AS count FROM spool WHERE error IS NOT NULL AND project_id IN :keys", project_ids
    )
    return sum(row["count"] for row in rows)


def _headers(arrival: Arrival) -> str:
    known = {
        "received_at": arrival.received_at,
        "event_id": arrival.event_id,
        "sent_at": arrival.sent_at,
        "remote_addr": arrival.remote_addr,
        "filename": arrival.filename,
        "content_type": arrival.content_type,
        "attachment_type": arrival.attachment_type,
    }
    return msgspec.json.encode({name: value for name, value in known.items() if value}).decode()


def _arrival(row: Row) -> Arrival:
    return Arrival(
        id=row["id"],
        project_id=row["project_id"],
        category=Category(row["category"]),
        item_type=row["item_type"],
        payload=bytes(row["raw"]),
        **msgspec.json.decode(row["headers"]),
    )
