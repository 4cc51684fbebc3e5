"""Items that are kept as they came (feedback, sessions, check-ins): well formed, and known again when repeated."""

from __future__ import annotations

from hashlib import blake2b

from bugwatch.domain.ids import clean_event_id
from bugwatch.protocol.event_limits import without_nul
from bugwatch.protocol.lenient_json import parse_object


def key_of(item_type: str, payload: bytes, event_id: str, arrival_id: int) -> str:
    """What a repeat of this item has in common with it. Raises Invalid if the payload is no JSON object.

    Feedback is known by its event id, a check-in by its own id and status. A session's update names its session, so the
    same bytes are the same update. Counts of sessions, and check-ins without an id, name nobody: two servers may say
    the same, and both count.
    """
    document, _ = parse_object(payload)
    if item_type in ("feedback", "event") and event_id:
        return event_id
    if item_type == "check_in":
        check_in_id = clean_event_id(document.get("check_in_id"))
        if check_in_id and check_in_id.strip("0"):
            return f"{check_in_id}:{without_nul(str(document.get('status'))[:20])}"
    if item_type in ("sessions", "check_in"):
        return str(arrival_id)
    return blake2b(payload, digest_size=16).hexdigest()
