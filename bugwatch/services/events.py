"""Reading an event: decompressed, scrubbed by today's rules, normalized, mapped by today's source maps.

The one way to an event's content.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bugwatch.domain.errors import NotFound
from bugwatch.domain.event import Event
from bugwatch.domain.fingerprint import Grouping
from bugwatch.domain.frame_key import is_the_apps
from bugwatch.domain.grouping import group
from bugwatch.domain.grouping_rule import in_force
from bugwatch.domain.project import Project
from bugwatch.domain.ruling import judged
from bugwatch.domain.stacktrace import Frame
from bugwatch.protocol import event_payload
from bugwatch.services.compression import Compression
from bugwatch.services.pipeline import Pipeline, issue_hash
from bugwatch.services.symbolication import Symbolication
from bugwatch.storage import attachments, event_keys, events, merges
from bugwatch.storage.attachments import Attachment
from bugwatch.storage.database import Database
from bugwatch.storage.events import StoredEvent
from bugwatch.storage.merges import Hash


@dataclass(frozen=True, slots=True)
class Opened:
    """A stored event and what it says, in full, with its grouping by today's rules. `place` is the hash that this makes
    for its project, if it leads to an issue; `leads_here` says whether to this event's."""

    stored: StoredEvent
    event: Event
    grouping: Grouping
    raw: bytes
    place: Hash | None
    leads_here: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """A stored event, skimmed: what grouping and the indexes need of it, and its own title."""

    stored: StoredEvent
    event: Event
    title: str


class Events:
    def __init__(
        self, db: Database, compression: Compression, pipeline: Pipeline, symbolication: Symbolication
    ) -> None:
        self._db = db
        self._compression = compression
        self._pipeline = pipeline
        self._symbolication = symbolication

    async def find(self, project: Project, event_id: str) -> StoredEvent:
        """The project's event with that id (32 hex digits). Raises NotFound, also after retention removed it."""
        key = self._pipeline.event_key(project.id, event_id)
        async with self._db.read() as tx:
            for candidate in (key, key + 1):  # the next one, had two events shared a hash
                row_id = await event_keys.find(tx, candidate)
                stored = await events.get(tx, row_id) if row_id else None
                if stored and (stored.project_id, stored.event_id) == (project.id, event_id):
                    return stored
        raise NotFound("There is no such event in this project, or it was removed by retention.")

    async def attachments(self, project: Project, stored: StoredEvent) -> list[Attachment]:
        """The files that came with the event."""
        key = self._pipeline.event_key(project.id, stored.event_id)
        async with self._db.read() as tx:
            return await attachments.of_event(tx, project.id, key)

    async def glance(self, project: Project, stored: StoredEvent) -> Glance:
        """The little that a list of events shows."""
        clean = self._pipeline.scrubbed(await self._raw(stored), project)
        event = event_payload.skim(clean, received_at=stored.received_at, header_event_id=stored.event_id)
        return Glance(stored, event, group(event, project.policy(stored.received_at)).title)

    async def skimmed(self, project: Project, stored: StoredEvent) -> Event:
        """What grouping sees of the event, mapped as far as its source maps have been read."""
        clean = self._pipeline.scrubbed(await self._raw(stored), project)
        event = event_payload.skim(clean, received_at=stored.received_at, header_event_id=stored.event_id)
        if not self._symbolication.concerns(project.id, event):
            return event
        return await self._symbolication.known(project.id, event, clean) or event

    async def open(self, project: Project, stored: StoredEvent) -> Opened:
        """What the event says."""
        clean = self._pipeline.scrubbed(await self._raw(stored), project)
        event = event_payload.read(clean, received_at=stored.received_at, header_event_id=stored.event_id)
        # The stored time is the one that the SDK's clock was corrected by; what it was off by is not in the payload.
        event = replace(event, happened_at=stored.happened_at)
        unmapped, policy = event, project.policy(stored.received_at)
        event = await self._symbolication.glance(project.id, event, clean)
        grouping = group(event, policy)
        async with self._db.read() as tx:
            place = await merges.place_of(tx, issue_hash(project.id, grouping.hash))
            if place is None and event is not unmapped:
                # Its map came late: the hash without maps leads the next such event, unless it has led one already.
                coarse = await merges.place_of(tx, issue_hash(project.id, group(unmapped, policy).hash))
                place = coarse if coarse and not coarse.is_spent else None
            roots = await merges.roots(tx, [stored.issue_id, *([place.issue_id] if place else [])])
        leads_here = place is not None and roots.get(place.issue_id) == roots.get(stored.issue_id)
        event = _with_verdicts(judged(in_force(project.grouping_rules), event))
        return Opened(stored, event, grouping, clean, place, leads_here)

    async def _raw(self, stored: StoredEvent) -> bytes:
        return await self._compression.decompress(stored.dictionary_id, stored.data)


def _with_verdicts(event: Event) -> Event:
    """The event with `in_app` as grouping sees it: Java's SDK leaves it open, browsers' call every frame the app's."""

    def judged(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        return tuple(replace(frame, in_app=is_the_apps(frame, event.platform)) for frame in frames)

    return replace(
        event,
        exceptions=tuple(replace(exception, frames=judged(exception.frames)) for exception in event.exceptions),
        threads=tuple(replace(thread, frames=judged(thread.frames)) for thread in event.threads),
    )
