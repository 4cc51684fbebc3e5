"""Frames to source: what the maps that were uploaded say of an event's frames.

What is known is applied at once; what is not is resolved in a child process and remembered, in the database and here.
A project for which nothing was uploaded pays a look into a dictionary.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from bugwatch.domain.clock import DAY
from bugwatch.domain.errors import BugwatchError, NotFound
from bugwatch.domain.event import Event
from bugwatch.domain.limits import MIB
from bugwatch.domain.mapped_frame import is_mappable, is_source, mapped
from bugwatch.domain.stacktrace import Frame
from bugwatch.domain.symbolication import Origin, Position, Verdict, in_context
from bugwatch.protocol.debug_ids import debug_ids_of
from bugwatch.services import artifact_lookup
from bugwatch.services.artifact_lookup import Build, FoundFile
from bugwatch.services.artifact_reader import ArtifactReader, Content
from bugwatch.storage import artifacts, positions
from bugwatch.storage.database import Database, Topic
from bugwatch.storage.positions import MapKey, Spot

log = logging.getLogger(__name__)

KIND = "javascript"
LARGEST_MAP = 64 * MIB
LARGEST_CODE = 32 * MIB
LARGEST_SOURCE = 2 * MIB
KEPT_FILES = 4_096
KEPT_ANSWERS = 4_096  # some 1.5 KB each
TRY_AGAIN = DAY  # a map may have met a bad moment, or a program that could not read it yet
GLANCE_S = 4.0  # how long a page waits for a map
SLICE = 150
PAUSE_S = 0.01
MISSED_S = 10  # how long it takes to notice what was announced to nobody

K = TypeVar("K")
V = TypeVar("V")
Answer = Position | Verdict  # WAITING: nobody has looked yet
Answers = dict[tuple[str, Spot], Answer]  # by the path of the file, as frames spell it, and the place in it


class Symbolication:
    def __init__(self, db: Database, reader: ArtifactReader) -> None:
        self._db = db
        self._reader = reader
        self._revisions: Mapping[int, int] = {}
        self._revision = 0  # another one whenever anybody's artifacts changed
        self._files: _Kept[tuple[Build, int, str, str], FoundFile] = _Kept(KEPT_FILES)
        self._answers: _Kept[tuple[MapKey, Spot], Answer] = _Kept(KEPT_ANSWERS)
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Event]] = set()
        self._look_at = 0.0
        db.listen(Topic.ARTIFACTS, self._be_behind)

    async def keep_up(self) -> None:
        """`look`, if there may be something new. Runs each second."""
        if time.monotonic() >= self._look_at:
            await self.look()

    async def look(self) -> None:
        """See for which projects something was uploaded, also through other instances."""
        self._look_at = time.monotonic() + MISSED_S
        async with self._db.read() as tx:
            self._revisions = await artifacts.revisions(tx)
        self._revision = sum(self._revisions.values())

    async def stop(self) -> None:
        """End what is being resolved: the next look begins anew."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reader.stop()

    def concerns(self, project_id: int, event: Event) -> bool:
        """Whether there may be maps for the event's frames."""
        return project_id in self._revisions and any(is_mappable(frame, event.platform) for frame in _frames(event))

    async def known(self, project_id: int, event: Event, payload: bytes) -> Event | None:
        """The event with mapped frames, itself if none is; None if some of them have to be resolved first."""
        files, answers = await self._look_up(project_id, event, payload)
        if Verdict.WAITING in answers.values():
            return None
        return _applied(event, files, answers) if any(isinstance(a, Position) for a in answers.values()) else event

    async def resolved(self, project_id: int, event: Event, payload: bytes) -> Event:
        """The event with mapped frames, whatever that takes. What cannot be mapped stays as it is, with the reason."""
        files, answers = await self._look_up(project_id, event, payload)
        for path, file in files.items():
            spots = [spot for (of, spot), answer in answers.items() if of == path and answer is Verdict.WAITING]
            if spots:
                found = await self._resolve(file, spots)
                answers |= {(path, spot): answer for spot, answer in found.items()}
        return _applied(event, files, answers)

    async def glance(self, project_id: int, event: Event, payload: bytes) -> Event:
        """As `resolved`, but after some seconds as far as it has come; the rest is there at the next look."""
        if not _spots(event):
            return event
        await self.look()  # a page shows what was uploaded a moment ago
        task = asyncio.create_task(self.resolved(project_id, event, payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=GLANCE_S)
        if task.done():
            return task.result()
        return _applied(event, *await self._look_up(project_id, event, payload))

    def _be_behind(self) -> None:
        self._look_at = 0.0

    async def sweep(self) -> None:
        """Forget what was remembered of maps that are gone."""
        while True:
            if not await self._db.write(lambda tx: positions.forget_some(tx, SLICE)):
                return
            await asyncio.sleep(PAUSE_S)

    # --- what is known ---

    async def _look_up(self, project_id: int, event: Event, payload: bytes) -> tuple[dict[str, FoundFile], Answers]:
        wanted = _spots(event)
        named = debug_ids_of(payload)
        build = Build(project_id, event.release, event.dist)
        files = await self._find(build, {path: named.get(path, "") for path in wanted})
        answers: Answers = {}
        for path, spots in wanted.items():
            if files[path].has_map:
                known = await self._recall(files[path].key, spots)
                answers |= {(path, spot): answer for spot, answer in known.items()}
        return files, answers

    async def _find(self, build: Build, debug_ids: Mapping[str, str]) -> dict[str, FoundFile]:
        keys = {path: (build, self._revision, path, debug_id) for path, debug_id in debug_ids.items()}
        files = {path: file for path, key in keys.items() if (file := self._files.get(key))}
        missing = {path: debug_id for path, debug_id in debug_ids.items() if path not in files}
        if missing:
            async with self._db.read() as tx:
                found = await artifact_lookup.find(tx, build, missing)
            for path, file in found.items():
                self._files.put(keys[path], file)
            files |= found
        return files

    async def _recall(self, key: MapKey, spots: Iterable[Spot]) -> dict[Spot, Answer]:
        """What is known of each of these spots."""
        kept = {spot: answer for spot in spots if (answer := self._answers.get((key, spot)))}
        missing = [spot for spot in spots if spot not in kept]
        if not missing:
            return kept
        async with self._db.read() as tx:
            tried = (await positions.tried(tx, [key])).get(key)
            if tried is None or (tried.verdict and tried.tried_at < tx.now - TRY_AGAIN):
                return {**dict.fromkeys(missing, Verdict.WAITING), **kept}
            if tried.verdict:
                return dict.fromkeys(spots, tried.verdict)
            stored = await positions.known(tx, tried.id, missing)
        self._keep(key, stored)
        return {**dict.fromkeys(missing, Verdict.WAITING), **kept, **_answers(stored)}

    def _keep(self, key: MapKey, found: positions.Found) -> None:
        for spot, answer in _answers(found).items():
            self._answers.put((key, spot), answer)

    # --- what is not ---

    async def _resolve(self, file: FoundFile, spots: Iterable[Spot]) -> Mapping[Spot, Answer]:
        async with self._turn:
            # Who had the turn before may have looked for the same.
            known = await self._recall(file.key, spots)
            waiting = sorted(spot for spot, answer in known.items() if answer is Verdict.WAITING)
            if not waiting:
                return known
            try:
                said = await self._ask(file, waiting)
            except BugwatchError as error:
                log.warning("A source map cannot be read now: %s", error)
                return known
            verdict = said if isinstance(said, Verdict) else None
            said = [] if isinstance(said, Verdict) else await self._with_sources(file, said)
            found = dict(zip(waiting, said, strict=not verdict))
            self._keep(file.key, found)
            await self._db.write(lambda tx: positions.remember(tx, file.key, verdict, found))
        return dict.fromkeys(waiting, verdict) if verdict else known | _answers(found)

    async def _ask(self, file: FoundFile, spots: list[Spot]) -> list[Position | None] | Verdict:
        if file.map and file.map.size > LARGEST_MAP:
            return Verdict.TOO_LARGE

        async def load() -> Content:
            has_code = file.code is not None and file.code.size <= LARGEST_CODE
            return await self._content(file.code if has_code else None), await self._content(file.map)

        said = await self._reader.resolve(KIND, b"".join(file.key), spots, load)
        return Verdict.NO_MAP if said is Verdict.MAP_BROKEN and file.map is None else said

    async def _with_sources(self, file: FoundFile, said: list[Position | None]) -> list[Position | None]:
        """The positions with their source, where that is not in the map but was uploaded beside it."""
        missing = {position.file for position in said if position and position.context_line is None}
        if file.map is None or not missing:
            return said
        async with self._db.read() as tx:
            stored = await artifact_lookup.sources(tx, file.map, missing)
        lines = {
            name: (await self._content(artifact)).decode("utf-8", "replace").splitlines()
            for name, artifact in stored.items()
            if artifact.size <= LARGEST_SOURCE
        }
        return [
            in_context(position, lines[position.file]) if position and position.file in lines else position
            for position in said
        ]

    async def _content(self, artifact: artifacts.Artifact | None) -> bytes:
        if artifact is None:
            return b""
        async with self._db.read() as tx:
            content = await artifacts.content(tx, artifact.sha256)
        if len(content) < artifact.size:
            raise NotFound("The file was removed a moment ago.")
        return content


class _Kept(Generic[K, V]):
    """A dictionary of the last so many."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        item = self._items.get(key)
        if item is not None:
            self._items.move_to_end(key)
        return item

    def put(self, key: K, item: V) -> None:
        self._items[key] = item
        if len(self._items) > self._size:
            self._items.popitem(last=False)


def _answers(found: positions.Found) -> dict[Spot, Answer]:
    return {spot: position or Verdict.NO_POSITION for spot, position in found.items()}


def _frames(event: Event) -> Iterator[Frame]:
    for exception in event.exceptions:
        yield from exception.frames
    for thread in event.threads:
        if thread.is_involved:
            yield from thread.frames


def _spots(event: Event) -> dict[str, list[Spot]]:
    """The places that a map could tell something about, by the path of their file."""
    spots: dict[str, dict[Spot, None]] = {}
    for frame in _frames(event):
        if is_mappable(frame, event.platform):
            spots.setdefault(frame.abs_path, {})[_spot(frame)] = None
    return {path: list(of_file) for path, of_file in spots.items()}


def _spot(frame: Frame) -> Spot:
    return frame.lineno or 0, frame.colno or 0


def _applied(event: Event, files: Mapping[str, FoundFile], answers: Answers) -> Event:
    """The event with each frame mapped, or with the reason why not."""

    def shown(frame: Frame) -> Frame:
        file = files.get(frame.abs_path)
        if file is None or not is_mappable(frame, event.platform):
            return frame
        answer = answers.get((frame.abs_path, _spot(frame)), file.origin.verdict)
        if isinstance(answer, Position):
            verdict = Verdict.SOURCE_MISSING if answer.context_line is None else Verdict.MAPPED
            looked_for = file.origin
            origin = Origin(verdict, frame, looked_for.debug_id, looked_for.release, looked_for.artifact)
            return mapped(frame, answer, origin)
        # Nobody misses the map of code that can be read as it is.
        return frame if is_source(frame) else replace(frame, origin=replace(file.origin, verdict=answer))

    def all_of(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        return tuple(map(shown, frames))

    return replace(
        event,
        exceptions=tuple(replace(exception, frames=all_of(exception.frames)) for exception in event.exceptions),
        threads=tuple(
            replace(thread, frames=all_of(thread.frames)) if thread.is_involved else thread for thread in event.threads
        ),
    )
