"""Merged issues: each of them keeps its own events, users, tags, counters and hashes, and points at its root.

So nothing is moved, and to take one out again is to let go of the pointer. Whoever shows a root adds up its family: the
root and its members. A root is nobody's member.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.storage.database import Overtaken, Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Held:
    """A root that this transaction holds on to: no other one merges or deletes it in the meantime."""

    id: int
    project_id: int
    status: Status
    event_count: int  # with its members


@dataclass(frozen=True, slots=True)
class Member:
    """An issue that was merged, with its own numbers."""

    id: int
    number: int
    title: str
    title_type: str
    level: int
    event_count: int
    last_seen_at: int


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash that leads to an issue of a family. `source` is what made it: algorithm, fingerprint or rule. `linked_by`
    is version or map where an older hash of the same event led here; `added_at` 0: before this was noted."""

    hash: str
    issue_id: int
    version: int
    source: str
    rule: str
    linked_by: Literal["", "version", "map"]
    added_at: int
    is_spent: bool


# The ids of a family, as a subquery.
FAMILY = "(SELECT id FROM issues AS family WHERE family.id = :issue_id OR family.merged_into_id = :issue_id)"


async def roots(tx: Reader, issue_ids: Sequence[int]) -> dict[int, int]:
    """`{issue id: root id}` for those that exist; a root is its own."""
    rows = await tx.among(
        "SELECT id, COALESCE(merged_into_id, id) AS root_id FROM issues WHERE id IN :keys AND deleted_at IS NULL",
        sorted(set(issue_ids)),
    )
    return {row["id"]: row["root_id"] for row in rows}


async def families(tx: Reader, root_ids: Sequence[int]) -> dict[int, int]:
    """`{issue id: root id}` for these roots and all their members."""
    rows = await tx.among("SELECT id, merged_into_id FROM issues WHERE merged_into_id IN :keys", root_ids)
    return {**{root_id: root_id for root_id in root_ids}, **{row["id"]: row["merged_into_id"] for row in rows}}


async def members(tx: Reader, root_id: int) -> list[Member]:
    """The most frequent first."""
    rows = await tx.all(
        """
        SELECT id, number, title, title_type, level, event_count, last_seen_at FROM issues
        WHERE merged_into_id = :root_id
        ORDER BY event_count DESC, id""",
        root_id=root_id,
    )
    return [Member(**row) for row in rows]


async def user_count(tx: Reader, root_id: int) -> int:
    """How many different users the family had."""
    found: int = await tx.value(
        f"SELECT COUNT(DISTINCT user_id) FROM issue_users WHERE issue_id IN {FAMILY}", issue_id=root_id
    )
    return found


async def hashes(tx: Reader, root_id: int, limit: int) -> list[Hash]:
    """What leads to the family, newest first."""
    rows = await tx.all(
        f"""
        SELECT hash, issue_id, version, source, rule, linked_by, added_at, spent_at FROM issue_hashes
        WHERE issue_id IN {FAMILY}
        ORDER BY added_at DESC, hash
        LIMIT :limit""",
        issue_id=root_id,
        limit=limit,
    )
    return [_hash_of(row) for row in rows]


async def place_of(tx: Reader, hash_: bytes) -> Hash | None:
    """What this hash leads to, or None."""
    row = await tx.one(
        """
        SELECT hash, issue_id, version, source, rule, linked_by, added_at, spent_at FROM issue_hashes
        WHERE hash = :hash""",
        hash=hash_,
    )
    return _hash_of(row) if row else None


def _hash_of(row: Row) -> Hash:
    return Hash(
        bytes(row["hash"]).hex(),
        row["issue_id"],
        row["version"],
        row["source"],
        row["rule"],
        row["linked_by"],
        row["added_at"],
        row["spent_at"] is not None,
    )


async def hold(tx: Tx, issue_ids: Sequence[int]) -> list[Held]:
    """The roots of these issues, by id, held until the transaction ends. Raises Overtaken if one was just merged."""
    root_ids = sorted(set((await roots(tx, issue_ids)).values()))
    rows = await tx.among(
        """
        UPDATE issues SET merged_into_id = merged_into_id
        WHERE id IN :keys
        RETURNING id, project_id, status, event_count, merged_into_id, deleted_at""",
        root_ids,
    )
    if any(row["merged_into_id"] is not None or row["deleted_at"] is not None for row in rows):
        raise Overtaken("One of the issues was merged or deleted in the meantime.")
    sums = await tx.among(
        """
        SELECT merged_into_id AS id, CAST(SUM(event_count) AS bigint) AS event_count FROM issues
        WHERE merged_into_id IN :keys
        GROUP BY merged_into_id""",
        root_ids,
    )
    counts = {row["id"]: row["event_count"] for row in sums}
    found = [
        Held(row["id"], row["project_id"], Status(row["status"]), row["event_count"] + counts.get(row["id"], 0))
        for row in rows
    ]
    return sorted(found, key=lambda root: root.id)


async def merge(tx: Tx, root_id: int, others: Sequence[int]) -> list[int]:
    """Merge other roots, which are held, with all their members; the ids of all that moved."""
    moved = await tx.among(
        "UPDATE issues SET merged_into_id = :root_id WHERE merged_into_id IN :keys RETURNING id",
        sorted(others),
        root_id=root_id,
    )
    moved += await tx.among(
        "UPDATE issues SET merged_into_id = :root_id WHERE id IN :keys RETURNING id", sorted(others), root_id=root_id
    )
    return sorted(row["id"] for row in moved)


async def unmerge(tx: Tx, root_id: int, issue_ids: Sequence[int]) -> list[int]:
    """Those of the issues that were members of this root and are their own from now on, in the state of the root."""
    rows = await tx.among(
        """
        UPDATE issues
        SET merged_into_id = NULL,
            status = (SELECT status FROM issues AS roots WHERE roots.id = :root_id),
            is_regressed = (SELECT is_regressed FROM issues AS roots WHERE roots.id = :root_id),
            resolved_at = (SELECT resolved_at FROM issues AS roots WHERE roots.id = :root_id),
            resolved_in_id = (SELECT resolved_in_id FROM issues AS roots WHERE roots.id = :root_id),
            status_changed_at = :now
        WHERE id IN :keys AND merged_into_id = :root_id AND deleted_at IS NULL
        RETURNING id""",
        sorted(set(issue_ids)),
        root_id=root_id,
        now=tx.now,
    )
    return sorted(row["id"] for row in rows)


async def note(
    tx: Tx, kind: str, project_id: int, root_id: int, issue_ids: Iterable[int], account_id: int, ids: Ids
) -> int:
    """A row of history for each issue that was merged into the root, or taken out of it; the id of the first."""
    rows = [(ids.next(), project_id, id_, kind, root_id, account_id, tx.now, tx.now, 0) for id_ in issue_ids]
    await tx.rows(
        """
        INSERT INTO transitions
            (id, project_id, issue_id, kind, other_issue_id, account_id, at, processed_at, lent_until)
        VALUES :rows""",
        rows,
    )
    return rows[0][0]


async def undo(tx: Tx, root_id: int, first_id: int) -> dict[int, int | None]:
    """Take back the merge that `note` answered `first_id` for: whoever still is where it went, goes where it was, in
    the state that it was in. The ids of those, each with the root that it has again, or None."""
    before = await _before(tx, root_id, first_id)
    done: list[Row] = []
    # Those that were roots first: others were, and will be, their members.
    for issue_id, former in sorted(before.items(), key=lambda pair: (pair[1] is not None, pair[0])):
        done += await tx.among(
            """
            UPDATE issues SET merged_into_id = CAST(:former AS bigint)
            WHERE id IN :keys
                AND merged_into_id = :root_id
                AND deleted_at IS NULL
                AND (CAST(:former AS bigint) IS NULL OR EXISTS (
                    SELECT 1 FROM issues AS roots
                    WHERE roots.id = CAST(:former AS bigint)
                        AND roots.merged_into_id IS NULL AND roots.deleted_at IS NULL))
            RETURNING id""",
            [issue_id],
            root_id=root_id,
            former=former,
        )
    return {row["id"]: before[row["id"]] for row in done}


async def _before(tx: Reader, root_id: int, first_id: int) -> Mapping[int, int | None]:
    """The issues of one merge, each with the root that it had before, or None."""
    moved = await tx.all(
        """
        SELECT issue_id FROM transitions
        WHERE other_issue_id = :root_id AND kind = 'merged' AND id >= :first_id
            AND at = (SELECT at FROM transitions WHERE id = :first_id AND other_issue_id = :root_id)""",
        root_id=root_id,
        first_id=first_id,
    )
    history = await tx.among(
        """
        SELECT id, issue_id, kind, other_issue_id FROM transitions
        WHERE issue_id IN :keys AND id < :first_id AND kind IN ('merged', 'unmerged')""",
        [row["issue_id"] for row in moved],
        first_id=first_id,
    )
    before: dict[int, int | None] = {row["issue_id"]: None for row in moved}
    for row in sorted(history, key=lambda row: row["id"]):
        before[row["issue_id"]] = row["other_issue_id"] if row["kind"] == "merged" else None
    return before
