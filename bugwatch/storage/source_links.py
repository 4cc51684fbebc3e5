"""Where a project's source code can be read."""

from __future__ import annotations

from bugwatch.domain.source_link import SourceLink
from bugwatch.storage.database import Reader, Tx


async def get(tx: Reader, project_id: int) -> SourceLink:
    """The project's; one without a host if it has none."""
    row = await tx.one(
        "SELECT host, repository, branch, strip, prefix FROM source_links WHERE project_id = :id", id=project_id
    )
    return SourceLink(**row) if row else SourceLink()


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
