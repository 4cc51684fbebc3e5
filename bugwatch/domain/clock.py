"""Time comes in by the door: whoever needs it is handed a `Clock`. Instants are integer ms since 1970, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now_ms() -> int:
    """The wall clock, in ms since 1970."""
    return time.time_ns() // 1_000_000


def hour_of(instant: int) -> int:
    """The start of the hour that `instant` lies in, as ms since 1970."""
    return instant - instant % HOUR


def to_iso(instant: int) -> str:
    """`2026-11-21T14:31:07.123Z`."""
    return datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
