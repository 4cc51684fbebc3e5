"""Releases that were announced, their commits and deploys. What events say of their release is in `tag_values`."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.release import Commit, Deploy, NewDeploy, Release
from bugwatch.storage.database import Reader, Row, Tx


async def add(tx: Tx, organization_id: int, version: str, project_ids: Sequence[int]) -> tuple[Release, bool]:
    """The release, from now on also of these projects, and whether it is new."""
    row = await tx.one(
        """
        INSERT INTO releases (organization_id, version, url, ref, created_at)
        VALUES (:organization_id, :version, '', '', :now)
        ON CONFLICT (organization_id, version) DO NOTHING
        RETURNING *""",
        organization_id=organization_id,
        version=version,
        now=tx.now,
    )
    release = release_of(row) if row else await by_version(tx, organization_id, version)
    assert release is not None
    await tx.rows(
        """
        INSERT INTO release_projects (project_id, release_id)
        VALUES :rows
        ON CONFLICT (project_id, release_id) DO NOTHING""",
        [(project_id, release.id) for project_id in sorted(set(project_ids))],
    )
    return release, row is not None


async def by_version(tx: Reader, organization_id: int, version: str) -> Release | None:
    row = await tx.one(
        "SELECT * FROM releases WHERE organization_id = :organization_id AND version = :version",
        organization_id=organization_id,
        version=version,
    )
    return release_of(row) if row else None


async def of_project(tx: Reader, project_id: int, limit: int, before: int = 2**62) -> list[Release]:
    """The project's releases, newest first, from the one before the id `before` on."""
    rows = await tx.all(
        """
        SELECT releases.*
        FROM release_projects
        JOIN releases ON releases.id = release_projects.release_id
        WHERE release_projects.project_id = :project_id AND releases.id < :before
        ORDER BY releases.id DESC
        LIMIT :limit""",
        project_id=project_id,
        before=before,
        limit=limit,
    )
    return [release_of(row) for row in rows]


async def project_ids(tx: Reader, release_id: int) -> list[int]:
    rows = await tx.all(
        "SELECT project_id FROM release_projects WHERE release_id = :id ORDER BY project_id", id=release_id
    )
    return [row["project_id"] for row in rows]


async def update(tx: Tx, release_id: int, *, url: str | None, ref: str | None, released_at: int | None) -> None:
    """None leaves it as it is."""
    await tx.run(
        """
        UPDATE releases
        SET url = COALESCE(CAST(:url AS text), url),
            ref = COALESCE(CAST(:ref AS text), ref),
            released_at = COALESCE(CAST(:released_at AS bigint), released_at)
        WHERE id = :id""",
        id=release_id,
        url=url,
        ref=ref,
        released_at=released_at,
    )


async def set_commits(tx: Tx, release_id: int, commits: Sequence[Commit]) -> None:
    """These, newest first, in the place of those that were there."""
    await tx.run("DELETE FROM release_commits WHERE release_id = :id", id=release_id)
    await tx.rows(
        """
        INSERT INTO release_commits
            (release_id, number, commit_id, repository, author_name, author_email, message, committed_at)
        VALUES :rows""",
        [
            (
                release_id,
                number,
                commit.id,
                commit.repository,
                commit.author_name,
                commit.author_email,
                commit.message,
                commit.committed_at,
            )
            for number, commit in enumerate(commits)
        ],
    )


async def commits(tx: Reader, release_id: int) -> list[Commit]:
    """Newest first."""
    rows = await tx.all("SELECT * FROM release_commits WHERE release_id = :id ORDER BY number", id=release_id)
    return [_commit_of(row) for row in rows]


async def previous_commit(tx: Reader, release: Release) -> tuple[Release, Commit] | None:
    """The newest release of the same projects before this one that has commits, and the newest of them."""
    row = await tx.one(
        """
        SELECT releases.*, release_commits.*
        FROM releases
        JOIN release_commits ON release_commits.release_id = releases.id AND release_commits.number = 0
        WHERE releases.organization_id = :organization_id
            AND releases.id < :id
            AND EXISTS (
                SELECT 1 FROM release_projects AS own
                JOIN release_projects AS theirs ON theirs.project_id = own.project_id
                WHERE own.release_id = :id AND theirs.release_id = releases.id)
        ORDER BY releases.id DESC
        LIMIT 1""",
        organization_id=release.organization_id,
        id=release.id,
    )
    return (release_of(row), _commit_of(row)) if row else None


async def add_deploy(tx: Tx, release_id: int, new: NewDeploy) -> Deploy:
    row = await tx.one(
        """
        INSERT INTO deploys (release_id, environment, name, url, started_at, finished_at)
        VALUES (:release_id, :environment, :name, :url, :started_at, :finished_at)
        RETURNING *""",
        release_id=release_id,
        environment=new.environment,
        name=new.name,
        url=new.url,
        started_at=new.started_at,
        finished_at=tx.now if new.finished_at is None else new.finished_at,
    )
    assert row is not None
    return _deploy_of(row)


async def deploys(tx: Reader, release_id: int, limit: int) -> list[Deploy]:
    """Newest first."""
    rows = await tx.all(
        "SELECT * FROM deploys WHERE release_id = :id ORDER BY id DESC LIMIT :limit", id=release_id, limit=limit
    )
    return [_deploy_of(row) for row in rows]


async def remove_homeless(tx: Tx, *, before: int, most: int = 20) -> int:
    """Remove at most this many releases that no project has, made before then, with commits and deploys. How many."""
    rows = await tx.all(
        """
        SELECT id FROM releases
        WHERE created_at < :before
            AND NOT EXISTS (SELECT 1 FROM release_projects WHERE release_projects.release_id = releases.id)
        LIMIT :most""",
        before=before,
        most=most,
    )
    ids = [row["id"] for row in rows]
    await tx.among("DELETE FROM release_commits WHERE release_id IN :keys RETURNING number", ids)
    await tx.among("DELETE FROM deploys WHERE release_id IN :keys RETURNING id", ids)
    await tx.among("DELETE FROM releases WHERE id IN :keys RETURNING id", ids)
    return len(ids)


def release_of(row: Row) -> Release:
    return Release(
        id=row["id"],
        organization_id=row["organization_id"],
        version=row["version"],
        url=row["url"],
        ref=row["ref"],
        created_at=row["created_at"],
        released_at=row["released_at"],
    )


def _commit_of(row: Row) -> Commit:
    return Commit(
        id=row["commit_id"],
        repository=row["repository"],
        author_name=row["author_name"],
        author_email=row["author_email"],
        message=row["message"],
        committed_at=row["committed_at"],
    )


def _deploy_of(row: Row) -> Deploy:
    return Deploy(
        id=row["id"],
        environment=row["environment"],
        name=row["name"],
        url=row["url"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )
