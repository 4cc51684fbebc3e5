"""Uploads of build tools: chunks are kept, bundles put together from them, and what is old is let go.

A bundle is announced durably before it is put together, one at a time, file by file: events that arrive meanwhile wait
for one file's piece at most. What a stop interrupts is taken up again from its chunks.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from bugwatch.domain.artifact import Assembly, NewArtifact, Upload, UploadState
from bugwatch.domain.clock import DAY, HOUR, MINUTE
from bugwatch.domain.errors import Invalid, NotFound, Unavailable
from bugwatch.domain.limits import MIB
from bugwatch.domain.project import Project
from bugwatch.protocol.artifact_bundle import Bundle as OpenBundle
from bugwatch.protocol.artifact_bundle import BundledFile
from bugwatch.storage import artifact_bundles, artifacts, contents, releases, uploads
from bugwatch.storage.artifact_bundles import Bundle
from bugwatch.storage.database import Database, Tx

log = logging.getLogger(__name__)

BUNDLE_BYTES = 256 * MIB
CHUNK_COUNT = 1_024
WAITING_BYTES = 2 * 1024 * MIB  # of chunks
TOTAL_BYTES = 5 * 1024 * MIB  # of bundles
PATIENCE_S = 20.0  # then the tool hears that it is being done
BATCH_BYTES = MIB  # a transaction
BATCH_FILES = 200
REMOVED_FILES = 8  # a transaction
REMOVED_CHUNKS = 4

CHUNK_LIFE = DAY
CHUNK_LIFE_IF_FULL = HOUR
RESUME_AFTER = 5 * MINUTE
FAILED_LIFE = 7 * DAY
LIFE = 90 * DAY
WINDOW = DAY  # one release is often several uploads


class Artifacts:
    """`folder` is where bundles are put together; below `disk_floor` bytes of `free_bytes` nothing is taken."""

    def __init__(self, db: Database, folder: Path, free_bytes: Callable[[], int], disk_floor: int) -> None:
        self._db = db
        self._folder = folder
        self._free_bytes = free_bytes
        self._disk_floor = disk_floor
        self._turn = asyncio.Lock()
        self._running: dict[tuple[int, tuple[bytes, ...]], asyncio.Task[Assembly]] = {}

    async def keep(self, sha1: bytes, data: bytes) -> None:
        """Keep a chunk until its bundle is put together. Raises Unavailable if there is no room."""
        await self._make_sure_of_room()
        await self._db.write(lambda tx: uploads.put(tx, sha1, data))

    async def assemble(self, upload: Upload) -> Assembly:
        """Put the upload together if all of it is here. The same upload again changes nothing but its age."""
        if len(upload.chunks) > CHUNK_COUNT:
            raise Invalid(f"A bundle may have at most {CHUNK_COUNT:,} chunks.", "chunks")
        async with self._db.read() as tx:
            known = await artifact_bundles.by_sha1(tx, upload.sha1)
            sizes = await uploads.sizes(tx, upload.chunks)
            taken = await artifact_bundles.total_size(tx)
        if known is None or not known.is_whole:
            missing = tuple(dict.fromkeys(chunk for chunk in upload.chunks if chunk not in sizes))
            if missing or not upload.chunks:
                return Assembly(UploadState.NOT_FOUND, missing)
            size = sum(sizes[chunk] for chunk in upload.chunks)
            if size > BUNDLE_BYTES:
                return _refused(f"The bundle has {size:,} bytes; at most {BUNDLE_BYTES:,} are taken.")
            if taken + size > TOTAL_BYTES:
                return _refused("There is no room for more source maps. Delete some in the settings of a project.")
        bundle = await self._db.write(partial(self._announce, upload=upload))
        return Assembly(UploadState.OK) if bundle.is_whole else await self._outcome(bundle)

    async def resume(self) -> None:
        """Put together what a stop interrupted. What fails for a reason of ours keeps nobody else from it."""
        async with self._db.read() as tx:
            interrupted = await artifact_bundles.waiting(tx, before=tx.now - RESUME_AFTER)
        for outcome in await asyncio.gather(*map(self._outcome, interrupted), return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("An upload could not be put together", exc_info=outcome)

    async def delete(self, project: Project, bundle_id: int) -> None:
        """The project's events find nothing in this bundle from now on. Raises NotFound."""
        if not await self._db.write(lambda tx: artifact_bundles.withdraw(tx, project.id, bundle_id)):
            raise NotFound("This project has no such upload.")

    async def clean_up(self) -> None:
        """Remove chunks that were left, bundles that failed, that are old, that are too much, or that no project has,
        and releases that no project has."""
        await self._remove_chunks(CHUNK_LIFE)
        while bundle_id := await self._removable():
            await self._db.write(partial(_withdraw_everywhere, bundle_id=bundle_id))
            await self._remove_homeless()
        await self._remove_homeless()
        await self._db.write(lambda tx: releases.remove_homeless(tx, before=tx.now - DAY))

    async def stop(self) -> None:
        """Interrupt what is being put together."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    # Putting together

    async def _announce(self, tx: Tx, upload: Upload) -> Bundle:
        if upload.release:
            await releases.add(tx, upload.organization_id, upload.release, upload.project_ids)
        return await artifact_bundles.announce(tx, upload)

    async def _outcome(self, bundle: Bundle) -> Assembly:
        """What became of it, if that is known soon. It goes on when nobody waits any more."""
        key = bundle.id, bundle.waiting
        if key not in self._running:
            task = asyncio.create_task(self._put_together(bundle))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key))
        task = self._running[key]
        await asyncio.wait([task], timeout=PATIENCE_S)
        return task.result() if task.done() else Assembly(UploadState.CREATED)

    async def _put_together(self, bundle: Bundle) -> Assembly:
        async with self._turn:
            async with self._db.read() as tx:
                known = await artifact_bundles.by_sha1(tx, bundle.sha1)
            if known and known.is_whole:
                return Assembly(UploadState.OK)
            try:
                with tempfile.TemporaryFile(dir=self._folder) as file:
                    size = await self._gather(bundle, file)
                    opened = await asyncio.to_thread(OpenBundle, file, size)
                    await self._store(bundle, opened)
            except Invalid as error:
                await self._fail(bundle, str(error))
                return _refused(str(error))
            finish = partial(artifact_bundles.finish, bundle_id=bundle.id, debug_id=opened.debug_id, size=size)
            if not await self._db.write(finish):
                return _refused("The bundle was removed while it was put together. Upload it again.")
            return Assembly(UploadState.OK)

    async def _gather(self, bundle: Bundle, file: IO[bytes]) -> int:
        """Write the bundle's chunks into the file; how many bytes. Raises Invalid if they are not the bundle."""
        whole = hashlib.sha1(usedforsecurity=False)
        for chunk in bundle.waiting:
            async with self._db.read() as tx:
                data = await uploads.data(tx, chunk)
            if data is None:
                raise Invalid("Some chunks of the bundle are gone. Upload it again.")
            await asyncio.to_thread(file.write, data)
            whole.update(data)
        if whole.digest() != bundle.sha1:
            raise Invalid("The chunks make another bundle than the checksum says. Upload it again.")
        return file.tell()

    async def _store(self, bundle: Bundle, opened: OpenBundle) -> None:
        if not opened.files:
            raise Invalid("The bundle holds no source maps and no code.")
        batches = _batches(opened)
        while batch := await asyncio.to_thread(next, batches, None):
            await self._store_batch(bundle, batch)

    async def _store_batch(self, bundle: Bundle, batch: list[NewArtifact]) -> None:
        """The rows come with the first pieces of their contents, so that nobody takes those for unused."""
        pieces = [piece for new in batch for piece in contents.pieces(new.sha256, new.data)]
        first = [piece for piece in pieces if piece[1] == 0]
        await self._db.write(partial(artifact_bundles.add_files, bundle_id=bundle.id, files=batch, pieces=first))
        for piece in pieces:
            if piece[1]:
                await self._db.write(partial(contents.put, chunks=[piece]))

    async def _fail(self, bundle: Bundle, error: str) -> None:
        log.info("An upload was refused: %s", error)
        if await self._db.write(partial(artifact_bundles.fail, bundle=bundle, error=error)):
            remove = partial(artifact_bundles.remove_files, bundle_id=bundle.id, size=REMOVED_FILES)
            while await self._db.write(remove):
                pass

    # Room

    async def _make_sure_of_room(self) -> None:
        if self._free_bytes() < self._disk_floor:
            raise Unavailable("The disk of Bugwatch is nearly full: it takes no uploads now.")
        async with self._db.read() as tx:
            is_full = await uploads.waiting_bytes(tx) > WAITING_BYTES
        if is_full:
            await self._remove_chunks(CHUNK_LIFE_IF_FULL)
            async with self._db.read() as tx:
                if await uploads.waiting_bytes(tx) > WAITING_BYTES:
                    raise Unavailable("Too many uploads wait for the rest of their bundle. Try again in an hour.")

    async def _remove_chunks(self, life: int) -> None:
        while await self._db.write(lambda tx: uploads.remove(tx, before=tx.now - life, most=REMOVED_CHUNKS)):
            pass

    async def _removable(self) -> int | None:
        async with self._db.read() as tx:
            is_too_much = await artifact_bundles.total_size(tx) > TOTAL_BYTES * 9 // 10
            before = tx.now if is_too_much else tx.now - LIFE
            return await artifact_bundles.failed(tx, before=tx.now - FAILED_LIFE) or await artifact_bundles.oldest(
                tx, before=before, window=WINDOW
            )

    async def _remove_homeless(self) -> None:
        while True:
            async with self._db.read() as tx:
                bundle_id = await artifact_bundles.homeless(tx)
            if bundle_id is None:
                return
            remove = partial(artifact_bundles.remove_slice, bundle_id=bundle_id, size=REMOVED_FILES)
            while await self._db.write(remove):
                pass


def _refused(detail: str) -> Assembly:
    return Assembly(UploadState.ERROR, detail=detail)


def _batches(opened: OpenBundle) -> Iterator[list[NewArtifact]]:
    """The bundle's files, as many at a time as one transaction takes: at least one, whatever its size."""
    batch: list[NewArtifact] = []
    for number, file in enumerate(opened.files):
        batch.append(_packed(opened, file, number))
        if len(batch) == BATCH_FILES or sum(len(new.data) for new in batch) > BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _packed(bundle: OpenBundle, file: BundledFile, number: int) -> NewArtifact:
    try:
        data = artifacts.packed(bundle.read(file), file.size)
    except ValueError:
        raise Invalid("A file of the bundle has another size than the bundle says.") from None
    return NewArtifact(
        number=number,
        kind=file.kind,
        debug_id=file.debug_id,
        url=file.url,
        source_map_ref=file.source_map_ref,
        sha256=hashlib.sha256(data).digest(),
        size=file.size,
        data=data,
    )


async def _withdraw_everywhere(tx: Tx, bundle_id: int) -> None:
    for project_id in await artifact_bundles.project_ids(tx, bundle_id):
        await artifact_bundles.withdraw(tx, project_id, bundle_id)
