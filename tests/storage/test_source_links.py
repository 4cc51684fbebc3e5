"""Where the source of a project is, and which commit of it a release is."""

from __future__ import annotations

from bugwatch.domain.release import Commit
from bugwatch.domain.source_link import NOWHERE, SourceLink
from bugwatch.storage import releases, source_links
from bugwatch.storage.database import Database, Tx
from tests import make

LINK = SourceLink("github", "acme/shop", "main", "/app/", "src/")


async def get(db: Database, project_id: int, release: str = "") -> SourceLink:
    async with db.read() as tx:
        return await source_links.of_release(tx, project_id, release)


async def test_a_project_has_one_link_or_none(db: Database) -> None:
    shop, other = await make.project(db), await make.project(db, "other")
    assert await get(db, shop) == NOWHERE

    async def work(tx: Tx) -> None:
        await source_links.put(tx, shop, SourceLink("gitlab", "a/b"))
        await source_links.put(tx, shop, LINK)

    await db.write(work)

    assert await get(db, shop) == LINK
    assert await get(db, other) == NOWHERE


async def test_the_commit_is_the_newest_that_was_announced_for_the_release(db: Database) -> None:
    shop, other = await make.project(db), await make.project(db, "other")

    async def work(tx: Tx) -> None:
        home = await tx.value("SELECT organization_id FROM projects WHERE id = :id", id=shop)
        for project_id in (shop, other):
            await source_links.put(tx, project_id, LINK)
        release, _is_new = await releases.add(tx, home, "shop@1.0", [shop])
        names = (("cc00000", "acme/lib"), ("bb00000", "acme/shop"), ("aa00000", "acme/shop"))
        await releases.set_commits(tx, release.id, [Commit(id_, name, "", "", "", None) for id_, name in names])

    await db.write(work)

    assert (await get(db, shop, "shop@1.0")).commit == "bb00000"
    assert (await get(db, shop, "shop@2.0")).commit == ""
    assert (await get(db, other, "shop@1.0")).commit == "", "the release is not this project's"
