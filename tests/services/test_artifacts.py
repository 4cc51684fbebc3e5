"""Uploads are put together once, survive a stop, and go when they are old, too much, or nobody's."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED

import pytest

from bugwatch.domain.artifact import NewArtifact, Upload, UploadState
from bugwatch.domain.clock import DAY, HOUR, MINUTE
from bugwatch.domain.errors import Invalid, NotFound, Unavailable
from bugwatch.protocol.artifact_bundle import Bundle as OpenBundle
from bugwatch.protocol.chunk_upload import CHUNK_BYTES
from bugwatch.services import artifacts as service
from bugwatch.services.artifacts import Artifacts
from bugwatch.storage import artifact_bundles, artifacts, doctor, projects
from bugwatch.storage.database import Database
from tests import make
from tests.bundles import CODE, DEBUG_ID, MAP, bundle, manifest, zipped
from tests.conftest import FakeClock


@pytest.fixture
def uploads(db: Database, tmp_path: Path) -> Artifacts:
    return Artifacts(db, tmp_path, lambda: 10**12, 0)


async def sent(uploads: Artifacts, raw: bytes, *project_ids: int, release: str = "", size: int = CHUNK_BYTES) -> Upload:
    """The upload of a bundle whose chunks are all here."""
    chunks = []
    for start in range(0, len(raw), size):
        data = raw[start : start + size]
        chunks.append(hashlib.sha1(data).digest())
        await uploads.keep(chunks[-1], data)
    return Upload(hashlib.sha1(raw).digest(), tuple(chunks), 1, project_ids, release)


async def count(db: Database, table: str) -> int:
    async with db.read() as tx:
        return int(await tx.value(f"SELECT COUNT(*) FROM {table}"))


async def maps(db: Database, project_id: int, debug_id: str = DEBUG_ID) -> list[bytes]:
    async with db.read() as tx:
        found = await artifacts.by_debug_ids(tx, project_id, [debug_id])
        return [await artifacts.content(tx, a.sha256) for a in found.get(debug_id, []) if a.kind == "source_map"]


async def assert_nothing_refers_to_nothing(db: Database) -> None:
    async with db.read() as tx:
        for reference in doctor.REFERENCES:
            assert await doctor.orphans(tx, reference) == 0, reference


async def test_what_is_missing_is_asked_for_and_then_put_together(db: Database, uploads: Artifacts) -> None:
    shop = await make.project(db)
    raw = bundle(source_map=MAP[:-1] + os.urandom(3 * CHUNK_BYTES).hex().encode())
    chunks = tuple(hashlib.sha1(raw[n : n + CHUNK_BYTES]).digest() for n in range(0, len(raw), CHUNK_BYTES))
    upload = Upload(hashlib.sha1(raw).digest(), chunks, 1, (shop,), "1.0")

    assert await uploads.assemble(upload) == service.Assembly(UploadState.NOT_FOUND, chunks)
    await uploads.keep(chunks[0], raw[:CHUNK_BYTES])
    assert (await uploads.assemble(upload)).missing == chunks[1:]
    await sent(uploads, raw, shop)
    assert (await uploads.assemble(upload)).state is UploadState.OK

    [found] = await maps(db, shop)
    assert found[: len(MAP) - 1] == MAP[:-1]
    async with db.read() as tx:
        by_url = await artifacts.by_urls(tx, shop, "1.0", "", ["~/app.js"])
        assert await artifacts.content(tx, by_url["~/app.js"][0].sha256) == CODE
        assert await tx.value("SELECT version FROM releases") == "1.0"
    await assert_nothing_refers_to_nothing(db)


async def test_the_same_upload_again_changes_nothing_also_when_it_comes_twice_at_once(
    db: Database, uploads: Artifacts
) -> None:
    shop, blog = await make.project(db), await make.project(db, "blog")
    upload = await sent(uploads, bundle(), shop)
    for_blog = Upload(upload.sha1, upload.chunks, 1, (blog,))

    both = await asyncio.gather(uploads.assemble(upload), uploads.assemble(for_blog), uploads.assemble(upload))
    after = await uploads.assemble(upload)

    assert {answer.state for answer in (*both, after)} == {UploadState.OK}
    assert (await count(db, "artifact_bundles"), await count(db, "artifacts")) == (1, 2)
    assert await maps(db, shop) == await maps(db, blog) == [MAP]


async def test_chunks_that_make_another_bundle_are_refused_and_the_real_ones_still_work(
    db: Database, uploads: Artifacts
) -> None:
    shop = await make.project(db)
    real, other = await sent(uploads, bundle(), shop), await sent(uploads, b"something else", shop)

    forged = await uploads.assemble(Upload(real.sha1, other.chunks, 1, (shop,)))
    assert forged.state is UploadState.ERROR
    assert "another bundle" in forged.detail
    assert await maps(db, shop) == []

    assert (await uploads.assemble(real)).state is UploadState.OK
    assert await maps(db, shop) == [MAP]


STORED = zipped({"manifest.json": manifest({"a": {"type": "source", "url": "~/a"}}), "a": b"as it was"}, ZIP_STORED)


@pytest.mark.parametrize(
    "raw", [b"no zip", zipped({"manifest.json": b'{"files": {}}'}), STORED.replace(b"as it was", b"as it is.")]
)
async def test_a_bundle_that_cannot_be_read_says_why_and_leaves_no_files(
    db: Database, uploads: Artifacts, raw: bytes, clock: FakeClock
) -> None:
    shop = await make.project(db)
    answer = await uploads.assemble(await sent(uploads, raw, shop))
    assert answer.state is UploadState.ERROR
    async with db.read() as tx:
        [listed] = await artifact_bundles.of_project(tx, shop, 10)

    assert listed.error == answer.detail != ""
    assert await count(db, "artifacts") == 0
    clock.sleep(days=8)
    await uploads.clean_up()
    assert await count(db, "artifact_bundles") == 0


async def test_limits(db: Database, uploads: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await make.project(db)
    upload = await sent(uploads, bundle(), shop)

    with pytest.raises(Invalid, match="1,024 chunks"):
        await uploads.assemble(Upload(upload.sha1, upload.chunks * 1_025, 1, (shop,)))
    monkeypatch.setattr(service, "BUNDLE_BYTES", 10)
    assert "at most 10" in (await uploads.assemble(upload)).detail
    monkeypatch.undo()
    monkeypatch.setattr(service, "TOTAL_BYTES", 10)
    assert "no room" in (await uploads.assemble(upload)).detail
    monkeypatch.setattr(service, "WAITING_BYTES", 10)
    with pytest.raises(Unavailable, match="Too many uploads"):
        await uploads.keep(b"x" * 20, b"x")
    with pytest.raises(Unavailable, match="nearly full"):
        await Artifacts(db, Path(), lambda: 5, 6).keep(b"x" * 20, b"x")


async def test_what_a_stop_interrupts_is_taken_up_again(
    db: Database, uploads: Artifacts, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await make.project(db)
    upload = await sent(uploads, bundle(), shop)
    monkeypatch.setattr(service, "PATIENCE_S", 0)
    answer = await uploads.assemble(upload)
    await uploads.stop()
    assert answer.state is UploadState.CREATED
    assert await maps(db, shop) == []

    monkeypatch.undo()
    clock.sleep(ms=6 * MINUTE)
    await Artifacts(db, tmp_path, lambda: 10**12, 0).resume()

    assert await maps(db, shop) == [MAP]
    await assert_nothing_refers_to_nothing(db)


async def test_one_upload_that_breaks_us_keeps_no_other_waiting(
    db: Database,
    uploads: Artifacts,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = await make.project(db)
    for code in (b"poison", CODE):
        upload = await sent(uploads, bundle(code=code), shop)
        await db.write(lambda tx, upload=upload: artifact_bundles.announce(tx, upload))  # type: ignore[misc]
    clock.sleep(ms=6 * MINUTE)

    def fragile(opened: OpenBundle) -> Iterator[list[NewArtifact]]:
        if b"poison" in b"".join(opened.read(opened.files[0])):
            raise ZeroDivisionError
        return batches(opened)

    batches = service._batches
    monkeypatch.setattr(service, "_batches", fragile)
    await uploads.resume()

    assert await maps(db, shop) == [MAP]
    assert "could not be put together" in caplog.text


async def test_chunks_go_after_a_day(db: Database, uploads: Artifacts, clock: FakeClock) -> None:
    await sent(uploads, b"never assembled", size=5)
    clock.sleep(ms=DAY - HOUR)
    await uploads.clean_up()
    assert await count(db, "upload_chunks") == 3
    clock.sleep(ms=2 * HOUR)
    await uploads.clean_up()
    assert await count(db, "upload_chunks") == 0


async def test_old_bundles_go_but_not_those_of_the_newest_upload(
    db: Database, uploads: Artifacts, clock: FakeClock
) -> None:
    shop, blog = await make.project(db), await make.project(db, "blog")
    for project_id, code in ((shop, b"1"), (blog, b"2")):
        await uploads.assemble(await sent(uploads, bundle(code=code), project_id, release=f"of {code.decode()}"))
    clock.sleep(days=91)
    for code in (b"3", b"4"):
        await uploads.assemble(await sent(uploads, bundle(code=code), shop))
        clock.sleep(ms=HOUR)
    await uploads.clean_up()

    assert await count(db, "artifact_bundles") == 3
    assert len(await maps(db, blog)) == 1
    clock.sleep(days=300)
    await uploads.clean_up()
    assert await count(db, "artifact_bundles") == 3
    await assert_nothing_refers_to_nothing(db)


async def test_what_is_too_much_goes_oldest_first(
    db: Database, uploads: Artifacts, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await make.project(db)
    for code in (b"1", b"2", b"3"):
        await uploads.assemble(await sent(uploads, bundle(code=code), shop))
        clock.sleep(days=2)
    monkeypatch.setattr(service, "TOTAL_BYTES", 2 * len(bundle(code=b"1")) * 10 // 9 + 2)
    await uploads.clean_up()

    async with db.read() as tx:
        left = await artifact_bundles.of_project(tx, shop, 10)
    assert [listed.id for listed in left] == [3, 2]
    assert await maps(db, shop) == [MAP]  # content that the others use stays


async def test_deleting_an_upload_is_the_affair_of_one_project(db: Database, uploads: Artifacts) -> None:
    shop, blog = await make.project(db), await make.project(db, "blog")
    await uploads.assemble(await sent(uploads, bundle(), shop, blog, release="1.0"))
    async with db.read() as tx:
        project = await projects.get(tx, shop)
        [listed] = await artifact_bundles.of_project(tx, shop, 10)
    assert project
    assert (listed.file_count, listed.map_count, listed.debug_id_count) == (2, 1, 1)
    assert listed.releases == (("1.0", ""),)

    await uploads.delete(project, listed.id)
    with pytest.raises(NotFound):
        await uploads.delete(project, listed.id)
    await uploads.clean_up()

    assert await maps(db, shop) == []
    assert await maps(db, blog) == [MAP]
    await db.write(lambda tx: artifact_bundles.withdraw(tx, blog, listed.id))
    await uploads.clean_up()
    assert await count(db, "content_chunks") == await count(db, "artifacts") == await count(db, "artifact_bundles") == 0
