"""Releases: announced by build tools, finalized, given their commits, deployed."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.errors import NotFound
from bugwatch.domain.release import COMMITS, Commit, Deploy, NewDeploy, Release, clean_version
from bugwatch.storage import releases
from bugwatch.storage.database import Database, Reader, Tx


class Releases:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def announce(
        self,
        organization_id: int,
        version: str,
        project_ids: Sequence[int],
        *,
        url: str | None = None,
        ref: str | None = None,
        released_at: int | None = None,
        commits: Sequence[Commit] | None = None,
    ) -> tuple[Release, bool]:
        """The release, made if it is not there, and whether it is new. None leaves as it is what is told otherwise.

        Raises Invalid for a name that no event can have.
        """
        version = clean_version(version)

        async def work(tx: Tx) -> tuple[Release, bool]:
            release, is_new = await releases.add(tx, organization_id, version, project_ids)
            await releases.update(tx, release.id, url=url, ref=ref, released_at=released_at)
            if commits is not None:
                await releases.set_commits(tx, release.id, commits[:COMMITS])
            found = await releases.by_version(tx, organization_id, version)
            assert found is not None
            return found, is_new

        return await self._db.write(work)

    async def get(self, organization_id: int, version: str) -> Release:
        """Raises NotFound."""
        async with self._db.read() as tx:
            return await _get(tx, organization_id, version)

    async def deploy(self, organization_id: int, version: str, new: NewDeploy) -> Deploy:
        """Note a deploy of the release. Raises NotFound."""

        async def work(tx: Tx) -> Deploy:
            return await releases.add_deploy(tx, (await _get(tx, organization_id, version)).id, new)

        return await self._db.write(work)


async def _get(tx: Reader, organization_id: int, version: str) -> Release:
    found = await releases.by_version(tx, organization_id, version)
    if not found:
        raise NotFound(f"There is no release “{version}”.")
    return found
