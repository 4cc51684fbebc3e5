"""The second room: from an item's bytes to what is stored of it. Pure, but for the dictionaries of the compression.

Each step may raise `Rejected(outcome)`: the item stops there, and the ledger says so.
"""

from __future__ import annotations

from dataclasses import field, replace
from hashlib import blake2b, sha256

from bugwatch.domain.batch import Arrival, New, NewAttachment, NewEvent, NewRawItem
from bugwatch.domain.errors import Invalid, Rejected
from bugwatch.domain.event import Event
from bugwatch.domain.grouping import Policy, group, older_hashes, source_of
from bugwatch.domain.ids import new_event_id
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.domain.project import Project
from bugwatch.domain.record import record
from bugwatch.domain.scrub import Scrubber, ScrubRules
from bugwatch.protocol import event_payload, raw_item
from bugwatch.protocol.event_scrub import EventScrubber
from bugwatch.protocol.event_tags import index_tags
from bugwatch.services.compression import Compression
from bugwatch.storage.event_keys import key_of

ENVIRONMENT_LENGTH = 64
LABEL_LENGTH = 200


@record
class Draft:
    """An item that has been read: it is well formed, and holds no secret any more.

    Events carry their `event`, and if source maps changed it what it was before (`unmapped`); what is kept raw has the
    `key` that tells a repeat. `policy` is how the project groups.
    """

    arrival: Arrival
    event: Event | None = None
    unmapped: Event | None = None
    key: str = ""
    policy: Policy = field(default_factory=Policy)


class Pipeline:
    """`secret` keys the hashes of event ids and users; all instances share it."""

    def __init__(self, secret: bytes, compression: Compression) -> None:
        self._secret = secret
        self._compression = compression
        self._scrubbers: dict[tuple[tuple[str, ...], tuple[str, ...]], EventScrubber] = {}

    def read(self, arrival: Arrival, project: Project) -> Draft:
        """Scrub and decode. Raises Rejected if the item is malformed or not wanted."""
        if arrival.category is Category.ATTACHMENT:
            return Draft(arrival)
        arrival = self._scrub(arrival, project)
        if arrival.category not in (Category.ERROR, Category.SECURITY):
            return Draft(arrival, key=raw_key(arrival))
        event = decode(arrival)
        if event.type == "transaction":
            raise Rejected(Outcome.FILTERED, "unsupported")
        return Draft(with_address(arrival, event), event, policy=project.policy(arrival.received_at))

    def finish(self, draft: Draft) -> New:
        """Group and compress: what a batch stores."""
        arrival = draft.arrival
        if draft.event is not None:
            return self._event(arrival, draft.event, draft.unmapped, draft.policy)
        if arrival.category is Category.ATTACHMENT:
            key = self.event_key(arrival.project_id, arrival.event_id)
            return NewAttachment(arrival, key, sha256(arrival.payload).digest())
        return NewRawItem(arrival, draft.key, self._compression.compress_plain(arrival.payload))

    def event_key(self, project_id: int, event_id: str) -> int:
        return key_of(self._secret, project_id, bytes.fromhex(event_id))

    def without_secrets(self, arrival: Arrival, project: Project) -> Arrival:
        """An item that could not be read, with the secrets gone that are found in it as a text."""
        if arrival.category is Category.ATTACHMENT:
            return arrival
        return replace(arrival, payload=self._scrubber(project).scrub_text(arrival.payload))

    def scrubbed(self, payload: bytes, project: Project) -> bytes:
        """A JSON object without secrets; the same bytes if it held none. Raises Invalid if it is no JSON object."""
        return self._scrubber(project).scrub(payload)

    def _scrub(self, arrival: Arrival, project: Project) -> Arrival:
        try:
            clean = self.scrubbed(arrival.payload, project)
        except Invalid as error:
            raise Rejected(Outcome.INVALID, "malformed", str(error)) from None
        return arrival if clean is arrival.payload else replace(arrival, payload=clean)

    def _scrubber(self, project: Project) -> EventScrubber:
        rules = (project.scrub_keys, project.safe_keys)
        if rules not in self._scrubbers:
            asked = ScrubRules(secret_names=project.scrub_keys, safe_names=project.safe_keys)
            self._scrubbers[rules] = EventScrubber(Scrubber(asked))
        return self._scrubbers[rules]

    def _event(self, arrival: Arrival, event: Event, unmapped: Event | None, policy: Policy) -> NewEvent:
        event_id = event.event_id or new_event_id()
        grouping = group(event, policy)
        hashes = (grouping.hash, *older_hashes(event, policy))
        source, rule = source_of(grouping)
        identity = event.user.identity if event.user else ""
        dictionary_id, data = self._compression.compress(arrival.project_id, arrival.payload)
        return NewEvent(
            arrival=arrival,
            key=self.event_key(arrival.project_id, event_id),
            event_id=bytes.fromhex(event_id),
            issue_hashes=tuple(issue_hash(arrival.project_id, hash_) for hash_ in hashes),
            hash_version=grouping.version,
            hash_source=source,
            hash_rule=rule,
            happened_at=event.happened_at,
            level=event.level,
            title=grouping.title,
            title_type=grouping.title_type,
            culprit=grouping.culprit,
            platform=event.platform,
            is_unhandled=is_unhandled(event),
            environment=event.environment,
            release=event.release,
            tags=index_tags(event),
            user_id=self._user_id(arrival.project_id, identity) if identity else None,
            user_label=identity[:LABEL_LENGTH],
            dictionary_id=dictionary_id,
            data=data,
            # Whoever says what belongs together means it: that is never led by what its frames were.
            unmapped_hash=issue_hash(arrival.project_id, group(unmapped, policy).hash)
            if unmapped and source == "algorithm"
            else b"",
        )

    def _user_id(self, project_id: int, identity: str) -> int:
        digest = blake2b(identity.encode("utf-8", "replace"), digest_size=8, key=self._secret, person=b"user")
        digest.update(project_id.to_bytes(8, "big"))
        return int.from_bytes(digest.digest(), "big") >> 1


def decode(arrival: Arrival) -> Event:
    """What grouping and the indexes need of an event. Raises Rejected if it is no JSON object."""
    try:
        return event_payload.skim(
            arrival.payload,
            received_at=arrival.received_at,
            sent_at=arrival.sent_at,
            header_event_id=arrival.event_id or None,
            remote_addr=arrival.remote_addr,
        )
    except Invalid as error:
        raise Rejected(Outcome.INVALID, "malformed", str(error)) from None


def with_address(arrival: Arrival, event: Event) -> Arrival:
    """The address that the SDK left to us joins the payload: whoever reads it later has no connection to ask."""
    if not event.is_address_lent:
        return arrival
    return replace(arrival, payload=event_payload.with_address(arrival.payload, arrival.remote_addr))


def raw_key(arrival: Arrival) -> str:
    """What tells a repeat of an item that is kept raw. Raises Rejected if it is no JSON object."""
    try:
        return raw_item.key_of(arrival.item_type, arrival.payload, arrival.event_id, arrival.id)
    except Invalid as error:
        raise Rejected(Outcome.INVALID, "malformed", str(error)) from None


def issue_hash(project_id: int, grouping_hash: bytes) -> bytes:
    """The 16 bytes by which a project's issue is found."""
    return blake2b(grouping_hash + project_id.to_bytes(8, "big"), digest_size=16).digest()


def is_unhandled(event: Event) -> bool:
    """Whether the error reached nobody: some link of its chain says that it was not handled."""
    return any(e.mechanism is not None and e.mechanism.is_handled is False for e in event.exceptions)
