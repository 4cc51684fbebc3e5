"""The endpoint that came before envelopes: one JSON event, perhaps packed (PROTOCOL §1.2).

Old clients send `base64(JSON)` or `base64(zlib(JSON))`, in the body or as `?sentry_data=`; Go still sends plain JSON.
"""

from __future__ import annotations

import base64

from bugwatch.domain.errors import Invalid, TooLarge
from bugwatch.protocol.encoding import Reserve, decode, freely
from bugwatch.protocol.event_payload import kind_of

ENVELOPE_TYPE = "application/x-sentry-envelope"
_URL_SAFE = bytes.maketrans(b"-_ ", b"+/+")  # a form turns the plus sign into a blank
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def is_envelope(content_type: str | None) -> bool:
    """Whether the body is an envelope after all, as its content type says."""
    return (content_type or "").partition(";")[0].strip().lower() == ENVELOPE_TYPE


def unpack(body: bytes, *, limit: int, reserve: Reserve = freely) -> bytes:
    """The event's JSON, at most `limit` bytes and checked to be an object. Content-Encoding is undone before.

    Raises `Invalid` if there is none in `body`, `TooLarge` beyond the limit, and what `reserve` raises.
    """
    event = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if not event.startswith(b"{"):
        event = _unpacked(event, limit, reserve)
    if len(event) > limit:
        raise TooLarge(f"The event is too large: at most {limit:,} bytes are taken.")
    kind_of(event)
    return event


def _unpacked(text: bytes, limit: int, reserve: Reserve) -> bytes:
    try:
        event = base64.b64decode(text.translate(_URL_SAFE) + b"==")
        return event if event.startswith(b"{") else decode(event, "deflate", limit=limit, reserve=reserve)
    except (ValueError, Invalid):
        raise Invalid("The body is no JSON event, neither plain nor packed.") from None
