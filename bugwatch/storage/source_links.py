"""Where a project's source code can be read."""

from __future__ import annotations

from dataclasses import replace

from bugwatch.domain.source_link import SourceLink
from bugwatch.storage.database import Reader, Tx


async def get(tx: Reader, project_id: int) -> SourceLink:
    """The project's; one without a host if it has none."""
    row = await tx.one(
        "SELECT host, repository, branch, strip, prefix FROM source_links WHERE project_id = :id", id=project_id
    )
    return SourceLink(**row) if row else SourceLink()


async def of_release(tx: Reader, project_id: int, release: str) -> SourceLink:
    """The same with the newest commit that was announced for the release, of this repository if it says which."""
    link = await get(tx, project_id)
    if not link.host or not release:
        return link
    commit: str | None = await tx.value(
        """
        SELECT release_commits.commit_id
        FROM release_projects
        JOIN releases ON releases.id = release_projects.release_id
        JOIN release_commits ON release_commits.release_id = releases.id
        WHERE release_projects.project_id = :project_id AND releases.version = :release
        ORDER BY CASE WHEN release_commits.repository = :repository THEN 0 ELSE 1 END, release_commits.number
        LIMIT 1""",
        project_id=project_id,
        release=release,
        repository=link.repository,
    )
    return replace(link, commit=commit or "")


async def put(tx: Tx, project_id: int, link: SourceLink) -> None:
    await tx.run(
        """
        INSERT INTO source_links (project_id, host, repository, branch, strip, prefix)
        VALUES (:project_id, :host, :repository, :branch, :strip, :prefix)
        ON CONFLICT (project_id) DO UPDATE SET
            host = excluded.host,
            repository = excluded.repository,
            branch = excluded.branch,
            strip = excluded.strip,
            prefix = excluded.prefix""",
        project_id=project_id,
        host=link.host,
        repository=link.repository,
        branch=link.branch,
        strip=link.strip,
        prefix=link.prefix,
    )
