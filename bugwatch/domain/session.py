"""Sessions: one run of an app, or one visit; a release's health is the share of them that did not crash."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SessionStatus(StrEnum):
    OK = "ok"  # still going on
    EXITED = "exited"
    ERRORED = "errored"
    UNHANDLED = "unhandled"
    CRASHED = "crashed"
    ABNORMAL = "abnormal"


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """The whole state of one session at `happened_at`; updates may arrive in any order, the highest `sequence` holds.

    `sid` is 32 hex digits; `distinct_id` names the user or device and may be empty. Instants in ms since 1970.
    """

    sid: str
    distinct_id: str
    is_init: bool
    sequence: int
    started_at: int
    happened_at: int
    duration_ms: int | None
    status: SessionStatus
    error_count: int
    release: str
    environment: str


@dataclass(frozen=True, slots=True)
class SessionBucket:
    """Sessions that started in the same minute. `exited_count` are the healthy ones; no session is in two counts."""

    started_at: int
    distinct_id: str
    exited_count: int
    errored_count: int
    unhandled_count: int
    crashed_count: int
    abnormal_count: int


@dataclass(frozen=True, slots=True)
class SessionAggregates:
    """Sessions that a server counted for us, as there are too many to name."""

    release: str
    environment: str
    buckets: tuple[SessionBucket, ...]
