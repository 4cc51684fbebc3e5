"""When it happened, by a clock that may be wrong. The wire says seconds or ISO 8601; we say ms since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SECOND = 1_000
MAX_FUTURE = 60 * SECOND
MAX_DRIFT = 55 * 60 * SECOND  # Relay's threshold: smaller differences are ordinary latency
YEAR_2000 = 946_684_800 * SECOND  # nothing that we watch is older; it is a clock that was never set
YEAR_10000 = 253_402_300_800 * SECOND  # dates end before it

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant_of(value: Any, drift: int = 0) -> int | None:
    """ms since 1970 from seconds (int or float) or an ISO 8601 string (naive means UTC), with `drift` ms added.

    None for anything else, and outside of 1970 to 9999. Numbers in strings are refused, as Relay does.
    """
    instant = _from_iso(value.strip()) if isinstance(value, str) else _from_seconds(value)
    return instant + drift if instant is not None and 0 <= instant + drift < YEAR_10000 else None


def _from_seconds(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < YEAR_10000:
        return None
    return round(value * SECOND)


def _from_iso(text: str) -> int | None:
    if text[4:5] != "-" or text[7:8] != "-":  # fromisoformat would also take 20261121 and 2026-W47-6
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def drift_of(sent_at: int | None, received_at: int) -> int:
    """What to add to every instant of an event because the sender's clock is off, in ms; 0 for a clock that is near."""
    drift = 0 if sent_at is None else received_at - sent_at
    return drift if abs(drift) >= MAX_DRIFT else 0


def is_believable(instant: int, received_at: int) -> bool:
    """Whether something that arrived at `received_at` can have happened at `instant`."""
    return YEAR_2000 <= instant <= received_at + MAX_FUTURE
