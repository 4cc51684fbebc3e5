"""The grouping rules of projects as they were and are, the algorithm that each is on, and what hashes lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.storage.database import Reader, Topic, Tx


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a project as somebody left them. `who` is their name or email, empty if unknown."""

    version: int
    rules: str
    applied_at: int
    who: str


async def put(tx: Tx, project_id: int, rules: str, version: int, account_id: int) -> bool:
    """Put the rules in force as the next version after `version`; False if somebody else did so in the meantime."""
    is_next = await tx.run(
        """
        UPDATE projects SET grouping_rules = :rules, rules_version = rules_version + 1
        WHERE id = :project_id AND rules_version = :version""",
        project_id=project_id,
        rules=rules,
        version=version,
    )
    if is_next:
        await tx.run(
            """
            INSERT INTO grouping_rules (project_id, version, rules, account_id, applied_at)
            VALUES (:project_id, :version, :rules, :account_id, :now)""",
            project_id=project_id,
            version=version + 1,
            rules=rules,
            account_id=account_id,
            now=tx.now,
        )
        await tx.announce(Topic.PROJECTS)
    return bool(is_next)


async def history(tx: Reader, project_id: int, limit: int) -> list[RuleSet]:
    """The newest first."""
    rows = await tx.all(
        """
        SELECT version, rules, applied_at, COALESCE(NULLIF(accounts.name, ''), accounts.email, '') AS who
        FROM grouping_rules
        LEFT JOIN accounts ON accounts.id = grouping_rules.account_id
        WHERE project_id = :project_id
        ORDER BY version DESC
        LIMIT :limit""",
        project_id=project_id,
        limit=limit,
    )
    return [RuleSet(**row) for row in rows]


async def move(tx: Tx, project_id: int, version: int, linked_until: int) -> None:
    """Group with this version of the algorithm from now on; until then, the hashes of the one before lead to issues."""
    await tx.run(
        """
        UPDATE projects
        SET linked_version = grouping_version, linked_until = :linked_until, grouping_version = :version
        WHERE id = :project_id AND grouping_version <> :version""",
        project_id=project_id,
        version=version,
        linked_until=linked_until,
    )
    await tx.announce(Topic.PROJECTS)


async def known(tx: Reader, hashes: Sequence[bytes]) -> dict[bytes, int]:
    """The issues that these hashes lead to; roots in the place of what was merged."""
    rows = await tx.among(
        """
        SELECT issue_hashes.hash, COALESCE(issues.merged_into_id, issues.id) AS root_id
        FROM issue_hashes
        JOIN issues ON issues.id = issue_hashes.issue_id
        WHERE issue_hashes.hash IN :keys""",
        sorted(set(hashes)),
    )
    return {bytes(row["hash"]): row["root_id"] for row in rows}


async def of_version(tx: Reader, project_id: int, version: int) -> str | None:
    """The rules as they were in that version; None if there was none."""
    found: str | None = await tx.value(
        "SELECT rules FROM grouping_rules WHERE project_id = :project_id AND version = :version",
        project_id=project_id,
        version=version,
    )
    return found
