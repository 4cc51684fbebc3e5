"""Release health: `session` and `sessions` items (PROTOCOL §1.15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bugwatch.domain.clock import DAY
from bugwatch.domain.errors import Invalid
from bugwatch.domain.ids import clean_event_id
from bugwatch.domain.session import SessionAggregates, SessionBucket, SessionStatus, SessionUpdate
from bugwatch.protocol.json_fields import child, instant, member, milliseconds, object_of, objects, text, whole
from bugwatch.protocol.timestamps import drift_of

BUCKETS = 1_000
MAX_COUNT = 1_000_000_000
_MAX_SEQUENCE = 2**53
_NAME_LENGTH = 200


def parse_session(payload: bytes, received_at: int, sent_at: int | None = None) -> SessionUpdate:
    """One update. `Invalid` without a session id or a release: both SDK and user would wonder what it belongs to."""
    document = object_of(payload, "session")
    sid = clean_event_id(document.get("sid"))
    if sid is None:
        raise Invalid("The session has no sid of 32 hexadecimal digits.", "sid")
    release, environment = _attributes(document)
    drift = drift_of(sent_at, received_at)
    happened_at = instant(document, "timestamp", received_at, drift)
    status = member(SessionStatus, text(document, "status", 20)) or SessionStatus.OK
    sequence = whole(document, "seq", _MAX_SEQUENCE)
    return SessionUpdate(
        sid=sid,
        distinct_id=text(document, "did", _NAME_LENGTH),
        is_init=document.get("init") is True,
        sequence=happened_at if sequence is None else sequence,
        started_at=min(instant(document, "started", happened_at, drift), happened_at),
        happened_at=happened_at,
        duration_ms=milliseconds(document, "duration", 3_650 * DAY),
        status=status,
        error_count=max(whole(document, "errors", MAX_COUNT) or 0, int(status is SessionStatus.CRASHED)),
        release=release,
        environment=environment,
    )


def parse_sessions(payload: bytes, received_at: int, sent_at: int | None = None) -> SessionAggregates:
    """Sessions counted by minute, at most 1,000 buckets; empty ones are left out. `Invalid` without a release."""
    document = object_of(payload, "sessions item")
    release, environment = _attributes(document)
    drift = drift_of(sent_at, received_at)
    buckets = (_bucket(each, received_at, drift) for each in objects(document, "aggregates", BUCKETS))
    return SessionAggregates(release, environment, tuple(bucket for bucket in buckets if _total(bucket)))


def _bucket(document: Mapping[str, Any], received_at: int, drift: int) -> SessionBucket:
    def count(key: str) -> int:
        return whole(document, key, MAX_COUNT) or 0

    return SessionBucket(
        started_at=instant(document, "started", received_at, drift),
        distinct_id=text(document, "did", _NAME_LENGTH),
        exited_count=count("exited"),
        errored_count=count("errored"),
        unhandled_count=count("unhandled"),
        crashed_count=count("crashed"),
        abnormal_count=count("abnormal"),
    )


def _total(bucket: SessionBucket) -> int:
    """How many sessions a bucket counts."""
    return (
        bucket.exited_count
        + bucket.errored_count
        + bucket.unhandled_count
        + bucket.crashed_count
        + bucket.abnormal_count
    )


def _attributes(document: Mapping[str, Any]) -> tuple[str, str]:
    attributes = child(document, "attrs")
    release = text(attributes, "release", _NAME_LENGTH)
    if not release:
        raise Invalid("The session names no release.", "release")
    return release, text(attributes, "environment", _NAME_LENGTH) or "production"
