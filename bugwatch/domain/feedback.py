"""Feedback: what a user of the watched app has to say, perhaps about a certain event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feedback:
    """Texts may be empty; ids are 32 hex digits or empty; `happened_at` in ms since 1970."""

    message: str
    name: str
    contact_email: str
    happened_at: int
    event_id: str = ""  # its own
    associated_event_id: str = ""
    replay_id: str = ""
    url: str = ""
    source: str = ""
    environment: str = ""
    release: str = ""
