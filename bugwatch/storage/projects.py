"""Projects, their DSN keys and their API keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bugwatch.domain.grouping import newest
from bugwatch.domain.project import ApiKey, Project, ProjectKey
from bugwatch.storage.database import Reader, Row, Topic, Tx


async def add_organization(tx: Tx, slug: str, name: str) -> int:
    """The new organization's id. Raises Conflict if the slug is taken."""
    made: int = await tx.value(
        """
        INSERT INTO organizations (slug, name, created_at)
        VALUES (:slug, :name, :now)
        RETURNING id""",
        slug=slug,
        name=name,
        now=tx.now,
    )
    return made


async def organizations(tx: Reader) -> Sequence[Row]:
    """All, oldest first: id, slug, name."""
    return await tx.all("SELECT id, slug, name FROM organizations ORDER BY id")


async def add(tx: Tx, organization_id: int, slug: str, name: str, platform: str) -> Project:
    """The new project. Raises Conflict if its organization has the slug already."""
    row = await tx.one(
        """
        INSERT INTO projects
            (organization_id, slug, name, platform, scrub_keys, safe_keys, issue_counter, grouping_version, created_at)
        VALUES (:organization_id, :slug, :name, :platform, '[]', '[]', 0, :grouping_version, :now)
        RETURNING *""",
        organization_id=organization_id,
        slug=slug,
        name=name,
        platform=platform,
        grouping_version=newest(),
        now=tx.now,
    )
    assert row is not None
    return project_of(row)


async def get(tx: Reader, project_id: int) -> Project | None:
    """The project, also while it is being deleted; None if there is none."""
    row = await tx.one("SELECT * FROM projects WHERE id = :id", id=project_id)
    return project_of(row) if row else None


async def every(tx: Reader) -> list[Project]:
    """All projects that are not being deleted, oldest first."""
    return [project_of(row) for row in await tx.all("SELECT * FROM projects WHERE deleted_at IS NULL ORDER BY id")]


async def of_account(tx: Reader, account_id: int, project_id: int | None = None) -> list[tuple[Project, bool | None]]:
    """The projects of the account's organizations (or this one of them), by name, each with whether its list of members
    names the account; None if it is open to all. Whether that is enough is for services/permissions.py to say."""
    rows = await tx.all(
        """
        SELECT projects.*,
            EXISTS (
                SELECT 1 FROM project_members
                WHERE project_id = projects.id AND account_id = :account_id) AS is_listed
        FROM projects
        JOIN memberships ON memberships.organization_id = projects.organization_id
        WHERE memberships.account_id = :account_id
            AND projects.deleted_at IS NULL
            AND projects.id = COALESCE(CAST(:project_id AS bigint), projects.id)
        ORDER BY projects.name, projects.id""",
        account_id=account_id,
        project_id=project_id,
    )
    return [(project_of(row), bool(row["is_listed"]) if row["is_restricted"] else None) for row in rows]


async def update(tx: Tx, project: Project) -> None:
    """Store the settings of `project`: name, platform, limit and what is scrubbed."""
    await tx.run(
        """
        UPDATE projects
        SET name = :name, platform = :platform, rate_limit = :rate_limit,
            scrub_keys = :scrub_keys, safe_keys = :safe_keys
        WHERE id = :id""",
        id=project.id,
        name=project.name,
        platform=project.platform,
        rate_limit=project.rate_limit,
        scrub_keys=json.dumps(project.scrub_keys),
        safe_keys=json.dumps(project.safe_keys),
    )
    await tx.announce(Topic.PROJECTS)


async def delete(tx: Tx, project_id: int) -> None:
    """Mark it, and revoke its keys. Its slug is free at once: none that people choose has two hyphens in a row."""
    await tx.run(
        "UPDATE projects SET deleted_at = :now, slug = slug || '--' || CAST(id AS text) WHERE id = :id",
        id=project_id,
        now=tx.now,
    )
    await tx.run("UPDATE project_keys SET is_active = 0 WHERE project_id = :id", id=project_id)
    await tx.run("UPDATE api_keys SET is_active = 0 WHERE project_id = :id", id=project_id)
    await tx.announce(Topic.PROJECTS)


async def by_slug(tx: Reader, organization_id: int, slug: str) -> Project | None:
    """The project that has this slug in its organization, also while it is being deleted."""
    row = await tx.one(
        "SELECT * FROM projects WHERE organization_id = :organization_id AND slug = :slug",
        organization_id=organization_id,
        slug=slug,
    )
    return project_of(row) if row else None


async def add_key(tx: Tx, project_id: int, public_key: str, label: str) -> ProjectKey:
    row = await tx.one(
        """
        INSERT INTO project_keys (project_id, public_key, label, is_active, created_at)
        VALUES (:project_id, :public_key, :label, 1, :now)
        RETURNING *""",
        project_id=project_id,
        public_key=public_key,
        label=label,
        now=tx.now,
    )
    assert row is not None
    return key_of(row)


async def expire_keys(tx: Tx, project_id: int, at: int) -> None:
    """None of the project's DSN keys opens it from `at` on."""
    await tx.run(
        """
        UPDATE project_keys SET expires_at = :at
        WHERE project_id = :project_id AND is_active = 1 AND (expires_at IS NULL OR expires_at > :at)""",
        project_id=project_id,
        at=at,
    )
    await tx.announce(Topic.PROJECTS)


async def key(tx: Reader, public_key: str) -> ProjectKey | None:
    row = await tx.one("SELECT * FROM project_keys WHERE public_key = :public_key", public_key=public_key)
    return key_of(row) if row else None


async def keys(tx: Reader, project_id: int) -> list[ProjectKey]:
    """The project's DSN keys, newest first."""
    rows = await tx.all(
        "SELECT * FROM project_keys WHERE project_id = :project_id ORDER BY id DESC", project_id=project_id
    )
    return [key_of(row) for row in rows]


async def current_keys(tx: Reader, project_ids: Sequence[int]) -> dict[int, ProjectKey]:
    """The newest DSN key of each project that is not about to expire: the one to show."""
    rows = await tx.among(
        "SELECT * FROM project_keys WHERE project_id IN :keys AND is_active = 1 AND expires_at IS NULL ORDER BY id",
        project_ids,
    )
    return {row["project_id"]: key_of(row) for row in rows}


async def touch_keys(tx: Tx, key_ids: Sequence[int]) -> None:
    """These DSN keys were used just now."""
    await tx.among("UPDATE project_keys SET last_used_at = :now WHERE id IN :keys RETURNING id", key_ids, now=tx.now)


async def add_api_key(tx: Tx, project_id: int, key_hash: bytes, hint: str) -> ApiKey:
    row = await tx.one(
        """
        INSERT INTO api_keys (project_id, key_hash, hint, is_active, created_at)
        VALUES (:project_id, :key_hash, :hint, 1, :now)
        RETURNING *""",
        project_id=project_id,
        key_hash=key_hash,
        hint=hint,
        now=tx.now,
    )
    assert row is not None
    return api_key_of(row)


async def expire_api_keys(tx: Tx, project_id: int, at: int) -> None:
    """None of the project's API keys opens it from `at` on."""
    await tx.run(
        """
        UPDATE api_keys SET expires_at = :at
        WHERE project_id = :project_id AND is_active = 1 AND (expires_at IS NULL OR expires_at > :at)""",
        project_id=project_id,
        at=at,
    )
    await tx.announce(Topic.PROJECTS)


async def api_keys(tx: Reader, project_id: int) -> list[ApiKey]:
    """The project's API keys, newest first."""
    rows = await tx.all("SELECT * FROM api_keys WHERE project_id = :project_id ORDER BY id DESC", project_id=project_id)
    return [api_key_of(row) for row in rows]


async def project_of_api_key(tx: Reader, key_hash: bytes) -> int | None:
    """The id of the project whose API key has this hash, if the key is still good."""
    found: int | None = await tx.value(
        """
        SELECT project_id FROM api_keys
        WHERE key_hash = :key_hash AND is_active = 1 AND (expires_at IS NULL OR expires_at > :now)""",
        key_hash=key_hash,
        now=tx.now,
    )
    return found


def project_of(row: Row) -> Project:
    return Project(
        id=row["id"],
        organization_id=row["organization_id"],
        slug=row["slug"],
        name=row["name"],
        platform=row["platform"],
        rate_limit=row["rate_limit"],
        scrub_keys=tuple(json.loads(row["scrub_keys"])),
        safe_keys=tuple(json.loads(row["safe_keys"])),
        created_at=row["created_at"],
        first_event_at=row["first_event_at"],
        deleted_at=row["deleted_at"],
        is_restricted=bool(row["is_restricted"]),
        grouping_rules=row["grouping_rules"],
        rules_version=row["rules_version"],
        grouping_version=row["grouping_version"],
        linked_version=row["linked_version"],
        linked_until=row["linked_until"],
    )


def key_of(row: Row) -> ProjectKey:
    return ProjectKey(
        id=row["id"],
        project_id=row["project_id"],
        public_key=row["public_key"],
        label=row["label"],
        rate_limit=row["rate_limit"],
        is_active=bool(row["is_active"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def api_key_of(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        project_id=row["project_id"],
        hint=row["hint"],
        is_active=bool(row["is_active"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
