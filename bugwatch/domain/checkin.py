"""Check-ins: what a job says of itself when it begins and ends."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

SLUG_LENGTH = 50


class CheckInStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    OK = "ok"
    ERROR = "error"
    UNKNOWN = "unknown"


class IntervalUnit(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Crontab:
    """A schedule as the job's author wrote it; whether it is a valid one, the monitor will tell."""

    expression: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Once every `count` units."""

    count: int
    unit: IntervalUnit


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """What a check-in says of its monitor. None and an empty timezone where it leaves the choice to us."""

    schedule: Crontab | Interval
    timezone: str = ""
    margin_ms: int | None = None
    max_runtime_ms: int | None = None
    failure_threshold: int | None = None
    recovery_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """`check_in_id` is 32 hex digits; None means the monitor's latest that is in progress."""

    check_in_id: str | None
    monitor_slug: str
    status: CheckInStatus
    duration_ms: int | None = None
    environment: str = "production"
    release: str = ""
    trace_id: str = ""
    config: MonitorConfig | None = None


def monitor_slug(name: str) -> str:
    """`My Job!` → `my-job`, as Sentry does it: underscores stay, at most 50 characters; empty if nothing is left."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^\w\s-]", "", ascii_name)
    return re.sub(r"[-\s]+", "-", words).strip("-_")[:SLUG_LENGTH].strip("-_")
