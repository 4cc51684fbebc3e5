"""The event id inside a payload, for envelopes whose header has none."""

from __future__ import annotations

import msgspec

from bugwatch.domain.ids import clean_event_id


class _Named(msgspec.Struct):
    event_id: object = None


_decode = msgspec.json.Decoder(_Named).decode


def event_id_of(payload: bytes) -> str | None:
    """32 hex digits, or None where there are none or the payload cannot be read at a glance."""
    try:
        return clean_event_id(_decode(payload).event_id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
