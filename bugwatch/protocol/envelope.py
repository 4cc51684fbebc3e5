"""Envelopes: a header line, then items, each a header line and a payload (PROTOCOL §1.7).

    {"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2026-11-21T14:31:07Z"}
    {"type":"event","length":41}
    {"message":"hello","level":"info","a":"b"}

Only what cannot be read at all is refused as a whole. Otherwise every item is judged by itself: what is malformed, too
large or one too many becomes a `Loss`, and its neighbours live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bugwatch.domain.errors import Invalid
from bugwatch.domain.ids import clean_event_id
from bugwatch.domain.limits import LIMITS, Limits
from bugwatch.domain.record import record
from bugwatch.protocol.lenient_json import parse as parse_json
from bugwatch.protocol.timestamps import instant_of

# An envelope carries one of these, with what belongs to it: the event id names it.
EVENT_LIKE = frozenset({"event", "transaction", "feedback", "security", "raw_security"})

_BLANK = re.compile(rb"\s*")
_TEXT_LENGTH = 255


@record
class Item:
    """One item of a type that the sender names. `view` looks into the envelope's body and keeps it in memory."""

    type: str
    view: memoryview
    filename: str = ""
    content_type: str = ""
    attachment_type: str = ""
    item_count: int | None = None  # how many things are in a container (logs, spans), as the sender says

    @property
    def payload(self) -> bytes:
        """A copy of the item's bytes. Large attachments are better read through `view`."""
        return bytes(self.view)


@dataclass(frozen=True, slots=True)
class Loss:
    """An item that is not taken. `type` is empty where even that could not be read.

    Reasons: `malformed` (after it nothing of the envelope could be read), `too_large`, `duplicate_item` (a second
    event), `too_many_items`.
    """

    type: str
    reason: str


@record
class EnvelopeHeader:
    """The first line. Whatever is absent or unusable in it is None or empty; `sent_at` in ms since 1970."""

    event_id: str | None
    dsn: str
    sent_at: int | None


@record
class Envelope:
    header: EnvelopeHeader
    items: tuple[Item, ...]
    losses: tuple[Loss, ...] = ()


def parse(body: bytes, limits: Limits = LIMITS) -> Envelope:
    """The envelope in `body`. Raises `Invalid` only if its first line is no JSON object, or its event id is none."""
    line, at = _line(body, 0, limits)
    header = _header(line)
    items: list[Item] = []
    losses: list[Loss] = []
    counts: dict[str, int] = {}
    try:
        for item in _framed(body, at, limits):
            reason = _refusal(item, counts, limits)
            if reason is None:
                items.append(item)
            else:
                losses.append(Loss(item.type, reason))
    except _Broken as broken:
        losses.append(broken.loss)
    return Envelope(header, tuple(items), tuple(losses))


class _Broken(Exception):
    """The framing is lost: what follows cannot be told apart any more."""

    def __init__(self, item_type: str, reason: str) -> None:
        self.loss = Loss(item_type, reason)


def _framed(body: bytes, at: int, limits: Limits) -> Iterator[Item]:
    """The items from `at` on, as they are framed. Raises `_Broken` where the framing is lost, and beyond the count."""
    view = memoryview(body)
    seen = 0
    while (at := _skip_blank(body, at)) < len(body):
        if seen == limits.item_count:
            raise _Broken("", "too_many_items")
        seen += 1
        try:
            line, start = _line(body, at, limits)
        except Invalid:
            raise _Broken("", "malformed") from None
        headers = _object(line)
        if headers is None:
            raise _Broken("", "malformed")
        item_type = _text(headers, "type")
        at = _payload_end(body, start, headers.get("length"))
        if at < 0:
            raise _Broken(item_type, "malformed")
        yield Item(
            item_type,
            view[start:at],
            _text(headers, "filename"),
            _text(headers, "content_type"),
            _text(headers, "attachment_type"),
            _count(headers.get("item_count")),
        )


def _payload_end(body: bytes, start: int, length: Any) -> int:
    """Where the payload that begins at `start` ends; -1 if `length` is no length, or something else follows it."""
    if length is None:
        end = body.find(b"\n", start)
        return end if end >= 0 else len(body)
    if type(length) is not int or length < 0:
        return -1
    end = start + length
    return end if end == len(body) or body[end : end + 1] in (b"\n", b"\r") else -1


def _refusal(item: Item, counts: dict[str, int], limits: Limits) -> str | None:
    """Why `item` is not taken, or None; `counts` holds what was taken before it."""
    if not item.type:
        return "malformed"
    if len(item.view) > limits.item_bytes.get(item.type, limits.expanded_bytes):
        return "too_large"
    is_event = item.type in EVENT_LIKE
    slot = "event" if is_event else item.type
    taken = counts.get(slot, 0)
    if taken >= (1 if is_event else limits.item_counts.get(slot, limits.item_count)):
        return "duplicate_item" if is_event else "too_many_items"
    counts[slot] = taken + 1
    return None


def _header(line: bytes) -> EnvelopeHeader:
    headers = _object(line)
    if headers is None:
        raise Invalid("The envelope's first line is not a JSON object.")
    return EnvelopeHeader(
        _event_id(headers.get("event_id")),
        _text(headers, "dsn", length=2_000),
        instant_of(headers.get("sent_at")),
    )


def _event_id(value: Any) -> str | None:
    if value is None or value == "":
        return None
    event_id = clean_event_id(value)
    if event_id is None:
        raise Invalid("The envelope's event_id is not 32 hexadecimal digits.", "event_id")
    return event_id


def _line(body: bytes, at: int, limits: Limits) -> tuple[bytes, int]:
    """The header line at `at`, and where the next one begins."""
    end = body.find(b"\n", at, at + limits.header_line_bytes + 1)
    if end >= 0:
        return body[at:end], end + 1
    if len(body) - at > limits.header_line_bytes:
        raise Invalid(f"A header line of the envelope is longer than {limits.header_line_bytes:,} bytes.")
    return body[at:], len(body)


def _skip_blank(body: bytes, at: int) -> int:
    match = _BLANK.match(body, at)
    return match.end() if match else at


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value, _ = parse_json(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(headers: Mapping[str, Any], key: str, length: int = _TEXT_LENGTH) -> str:
    value = headers.get(key)
    # Postgres refuses NUL in text.
    return value[:length].replace("\x00", "\ufffd") if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
