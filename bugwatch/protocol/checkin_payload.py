"""Check-ins of jobs: the `check_in` item, and the plain URL that a shell script calls (PROTOCOL §1.16, §1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bugwatch.domain.checkin import (
    CheckIn,
    CheckInStatus,
    Crontab,
    Interval,
    IntervalUnit,
    MonitorConfig,
    monitor_slug,
)
from bugwatch.domain.clock import DAY, MINUTE
from bugwatch.domain.errors import Invalid
from bugwatch.domain.ids import clean_event_id
from bugwatch.protocol.json_fields import child, member, milliseconds, object_of, text, whole

ENVIRONMENT_LENGTH = 64
_NAME_LENGTH = 200
_MAX_DURATION = 365 * DAY
_MAX_MINUTES = 365 * DAY // MINUTE
_MAX_THRESHOLD = 720  # Relay's: more in a row than that is no threshold


def parse(payload: bytes) -> CheckIn:
    """A check-in. `Invalid` if it names no monitor or its environment is too long; odd values are ignored."""
    return _check_in(object_of(payload, "check-in"))


def parse_query(slug: str, query: Mapping[str, str]) -> CheckIn:
    """A check-in from `/cron/{slug}/?status=ok&duration=12.5`. Errors as for `parse`."""
    document: dict[str, Any] = {
        "monitor_slug": slug,
        **{key: query[key] for key in ("status", "check_in_id", "environment") if key in query},
    }
    try:
        document["duration"] = float(query.get("duration", ""))
    except ValueError:
        pass  # it still was there, which is what matters
    return _check_in(document)


def _check_in(document: Mapping[str, Any]) -> CheckIn:
    slug = monitor_slug(text(document, "monitor_slug", _NAME_LENGTH))
    if not slug:
        raise Invalid("The check-in names no monitor.", "monitor_slug")
    environment = text(document, "environment", _NAME_LENGTH)
    if len(environment) > ENVIRONMENT_LENGTH:
        raise Invalid(f"The check-in's environment is longer than {ENVIRONMENT_LENGTH} characters.", "environment")
    return CheckIn(
        check_in_id=_check_in_id(document.get("check_in_id")),
        monitor_slug=slug,
        status=member(CheckInStatus, text(document, "status", 20)) or CheckInStatus.UNKNOWN,
        duration_ms=milliseconds(document, "duration", _MAX_DURATION),
        environment=environment or "production",
        release=text(document, "release", _NAME_LENGTH),
        trace_id=clean_event_id(child(child(document, "contexts"), "trace").get("trace_id")) or "",
        config=_config(child(document, "monitor_config")),
    )


def _check_in_id(value: Any) -> str | None:
    """None for all zeros ("the one in progress"), and for what is no id: the job ran, and that must not get lost."""
    check_in_id = clean_event_id(value)
    return check_in_id if check_in_id is not None and check_in_id.strip("0") else None


def _config(document: Mapping[str, Any]) -> MonitorConfig | None:
    """None where there is none, or none that could be followed."""
    schedule = _schedule(child(document, "schedule"))
    if schedule is None:
        return None
    return MonitorConfig(
        schedule=schedule,
        timezone=text(document, "timezone", _NAME_LENGTH),
        margin_ms=_minutes(document, "checkin_margin"),
        max_runtime_ms=_minutes(document, "max_runtime"),
        failure_threshold=whole(document, "failure_issue_threshold", _MAX_THRESHOLD) or None,
        recovery_threshold=whole(document, "recovery_threshold", _MAX_THRESHOLD) or None,
    )


def _schedule(document: Mapping[str, Any]) -> Crontab | Interval | None:
    kind = text(document, "type", 20)
    if kind == "crontab":
        expression = text(document, "value", _NAME_LENGTH)
        return Crontab(expression) if expression else None
    count, unit = whole(document, "value", _MAX_MINUTES), member(IntervalUnit, text(document, "unit", 20))
    return Interval(count, unit) if kind == "interval" and count and unit else None


def _minutes(document: Mapping[str, Any], key: str) -> int | None:
    count = whole(document, key, _MAX_MINUTES)
    return None if count is None else count * MINUTE
