"""An issue: the events of one project that share a fingerprint."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    IGNORED = "ignored"  # shown as "muted"

    @classmethod
    def _missing_(cls, value: object) -> Status | None:
        return cls.IGNORED if value == "muted" else None


class Sort(StrEnum):
    """What a list of issues can be sorted by, largest or latest first."""

    LAST_SEEN = "last_seen"
    FIRST_SEEN = "first_seen"
    EVENTS = "events"
    USERS = "users"
