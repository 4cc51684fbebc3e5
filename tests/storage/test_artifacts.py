"""What was uploaded is found by debug id, and by release and URL: the newest, and only by its own projects."""

from __future__ import annotations

import os

from bugwatch.domain.artifact import ArtifactKind, Upload
from bugwatch.storage import artifact_bundles, artifacts, contents
from bugwatch.storage.artifacts import Artifact
from bugwatch.storage.database import Database, Tx
from tests import make
from tests.conftest import FakeClock

ONE, TWO = "6f4e1e80-1f4a-4c5b-9d31-0000000000a1", "6f4e1e80-1f4a-4c5b-9d31-0000000000a2"


async def by_debug_ids(db: Database, project_id: int, *debug_ids: str) -> dict[str, list[Artifact]]:
    async with db.read() as tx:
        return await artifacts.by_debug_ids(tx, project_id, debug_ids)


async def by_urls(db: Database, project_id: int, release: str, dist: str, *urls: str) -> dict[str, list[Artifact]]:
    async with db.read() as tx:
        return await artifacts.by_urls(tx, project_id, release, dist, urls)


async def newest(db: Database, project_id: int) -> int:
    async with db.read() as tx:
        return await artifacts.newest(tx, project_id)


async def content(db: Database, artifact: Artifact) -> bytes:
    async with db.read() as tx:
        return await artifacts.content(tx, artifact.sha256)


async def test_code_and_its_map_are_found_by_their_debug_id_the_newest_of_each(db: Database, clock: FakeClock) -> None:
    shop = await make.project(db)
    code = make.artifact(0, b"code", kind=ArtifactKind.MINIFIED_SOURCE, debug_id=ONE, source_map_ref="0.js.map")
    await make.bundle(db, shop, files=[code, make.artifact(1, b"first map", debug_id=ONE)])
    clock.sleep(ms=5)
    later = await make.bundle(db, shop, files=[make.artifact(0, b"second map", debug_id=ONE)])

    found = await by_debug_ids(db, shop, ONE, TWO, "", "\0", ONE)

    assert list(found) == [ONE]
    assert [(a.kind, a.uploaded_at) for a in found[ONE]] == [
        ("source_map", clock.now),
        ("minified_source", clock.now - 5),
    ]
    assert found[ONE][0].bundle_id == later
    assert found[ONE][1].source_map_ref == "0.js.map"
    assert await content(db, found[ONE][0]) == b"second map"


async def test_a_bundle_is_for_the_projects_it_was_uploaded_for(db: Database) -> None:
    shop, blog, strangers = await make.project(db), await make.project(db, "blog"), await make.project(db, "strangers")
    other = await make.project(db, "other", beside=blog)
    await make.bundle(db, shop, blog, files=[make.artifact(0, b"x", debug_id=ONE)], release="1.0")

    for project_id in (shop, blog):
        assert await by_debug_ids(db, project_id, ONE)
        assert await by_urls(db, project_id, "1.0", "", "~/0.js.map")
    assert not await by_debug_ids(db, other, ONE)
    assert not await by_urls(db, other, "1.0", "", "~/0.js.map")
    async with db.read() as tx:
        assert await artifacts.elsewhere(tx, other, [ONE, TWO]) == {ONE}
        assert await artifacts.elsewhere(tx, strangers, [ONE, TWO]) == set()
        assert await artifacts.elsewhere(tx, shop, [ONE, TWO]) == set()


async def test_by_release_and_url_the_very_dist_comes_before_none(db: Database, clock: FakeClock) -> None:
    shop = await make.project(db)
    await make.bundle(db, shop, files=[make.artifact(0, b"of dist 7")], release="1.0", dist="7")
    clock.sleep(ms=5)
    await make.bundle(db, shop, files=[make.artifact(0, b"of none")], release="1.0")
    clock.sleep(ms=5)
    await make.bundle(db, shop, files=[make.artifact(0, b"of dist 8")], release="1.0", dist="8")
    await make.bundle(db, shop, files=[make.artifact(0, b"of 2.0")], release="2.0")

    async def found(release: str, dist: str) -> bytes | None:
        urls = await by_urls(db, shop, release, dist, "~/0.js.map", "~/none.js")
        return await content(db, urls["~/0.js.map"][0]) if urls else None

    assert await found("1.0", "7") == b"of dist 7"
    assert await found("1.0", "") == b"of none"
    assert await found("1.0", "9") == b"of none"
    assert await found("2.0", "8") == b"of 2.0"
    assert await found("3.0", "") is None


async def test_what_is_not_put_together_yet_is_not_found(db: Database) -> None:
    shop = await make.project(db)
    upload = Upload(b"s" * 20, (b"c" * 20,), 1, (shop,), "1.0")
    bundle = await db.write(lambda tx: artifact_bundles.announce(tx, upload))
    file = make.artifact(0, b"x", debug_id=ONE)

    await db.write(
        lambda tx: artifact_bundles.add_files(tx, bundle.id, [file], contents.pieces(file.sha256, file.data))
    )
    assert not await by_debug_ids(db, shop, ONE)
    assert not await by_urls(db, shop, "1.0", "", file.url)
    async with db.read() as tx:
        assert not await artifacts.elsewhere(tx, shop + 1, [ONE])

    assert await db.write(lambda tx: artifact_bundles.finish(tx, bundle.id, debug_id="", size=9))
    assert await by_debug_ids(db, shop, ONE)


async def test_the_same_bundle_again_is_the_newest_again_and_stays_whole(db: Database, clock: FakeClock) -> None:
    shop = await make.project(db)
    files = [make.artifact(0, b"x", debug_id=ONE)]
    first = await make.bundle(db, shop, files=files)
    async with db.read() as tx:
        row = await tx.one("SELECT sha1 FROM artifact_bundles")
    assert row
    clock.sleep(ms=5)
    await make.bundle(db, shop, files=[make.artifact(0, b"y", debug_id=ONE)])
    clock.sleep(ms=5)

    again = await db.write(
        lambda tx: artifact_bundles.announce(tx, Upload(bytes(row["sha1"]), (b"c" * 20,), 1, (shop,)))
    )

    assert again.is_whole
    assert [a.bundle_id for a in (await by_debug_ids(db, shop, ONE))[ONE]] == [first]


async def test_content_is_stored_once_and_comes_back_whole(db: Database) -> None:
    shop = await make.project(db)
    large = os.urandom(2 * contents.CHUNK + 3)
    await make.bundle(db, shop, files=[make.artifact(0, large, debug_id=ONE), make.artifact(1, b"", debug_id=TWO)])
    await make.bundle(db, shop, files=[make.artifact(0, large, debug_id=ONE)])

    found = await by_debug_ids(db, shop, ONE, TWO)

    assert await content(db, found[ONE][0]) == large
    assert await content(db, found[TWO][0]) == b""
    async with db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM content_chunks") == 4
        assert await artifacts.content(tx, b"gone".ljust(32)) == b""


async def test_content_goes_when_neither_artifacts_nor_attachments_use_it(db: Database) -> None:
    shop = await make.project(db)
    await make.bundle(db, shop, files=[make.artifact(0, b"x")])

    async def remove(tx: Tx) -> int:
        [row] = await tx.all("SELECT sha256 FROM content_chunks")
        await contents.remove_unused(tx, [bytes(row["sha256"])])
        return int(await tx.value("SELECT COUNT(*) FROM content_chunks"))

    assert await db.write(remove) == 1
    await db.write(lambda tx: tx.run("DELETE FROM artifacts"))
    assert await db.write(remove) == 0


async def test_a_projects_number_changes_with_every_upload_for_it(db: Database) -> None:
    shop, blog = await make.project(db), await make.project(db, "blog")
    seen = {await newest(db, shop)}
    for content_ in (b"1", b"2", b"1"):
        await make.bundle(db, shop, files=[make.artifact(0, content_)])
        seen.add(await newest(db, shop))

    assert len(seen) == 4
    assert await newest(db, blog) == 0
