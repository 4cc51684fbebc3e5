"""User feedback in its three shapes (PROTOCOL §1.17, §0.10).

The `feedback` item and the `event` item of `type: "feedback"` are events with a feedback context; the `user_report`
item is their forerunner.
"""

from __future__ import annotations

from bugwatch.domain.errors import Invalid
from bugwatch.domain.feedback import Feedback
from bugwatch.domain.ids import clean_event_id
from bugwatch.protocol.json_fields import child, instant, object_of, text
from bugwatch.protocol.timestamps import drift_of

MESSAGE_LENGTH = 16_384
_NAME_LENGTH = 200
_URL_LENGTH = 2_048


def parse_feedback(payload: bytes, received_at: int, sent_at: int | None = None) -> Feedback:
    """What stands in `contexts.feedback`. `Invalid` if it says nothing."""
    document = object_of(payload, "feedback")
    said = child(child(document, "contexts"), "feedback")
    message = text(said, "message", MESSAGE_LENGTH)
    if not message:
        raise Invalid("The feedback has no message.", "message")
    return Feedback(
        message=message,
        name=text(said, "name", _NAME_LENGTH),
        contact_email=text(said, "contact_email", _NAME_LENGTH),
        happened_at=instant(document, "timestamp", received_at, drift_of(sent_at, received_at)),
        event_id=clean_event_id(document.get("event_id")) or "",
        associated_event_id=clean_event_id(said.get("associated_event_id")) or "",
        replay_id=clean_event_id(said.get("replay_id")) or "",
        url=text(said, "url", _URL_LENGTH),
        source=text(said, "source", _NAME_LENGTH),
        environment=text(document, "environment", _NAME_LENGTH),
        release=text(document, "release", _NAME_LENGTH),
    )


def parse_user_report(payload: bytes, received_at: int) -> Feedback:
    """`{event_id, name, email, comments}`, any of which may be null. `Invalid` with neither comments nor an event."""
    document = object_of(payload, "user report")
    message = text(document, "comments", MESSAGE_LENGTH)
    associated_event_id = clean_event_id(document.get("event_id")) or ""
    if not message and not associated_event_id:
        raise Invalid("The user report has neither comments nor an event.", "comments")
    return Feedback(
        message=message,
        name=text(document, "name", _NAME_LENGTH),
        contact_email=text(document, "email", _NAME_LENGTH),
        happened_at=received_at,
        associated_event_id=associated_event_id,
        source="user_report",
    )
