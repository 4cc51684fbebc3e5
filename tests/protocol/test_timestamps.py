from __future__ import annotations

from typing import Any

import pytest

from bugwatch.domain.clock import DAY, HOUR, MINUTE, SECOND
from bugwatch.protocol.timestamps import YEAR_2000, YEAR_10000, drift_of, instant_of, is_believable
from tests.conftest import NOON

AT = 1_795_271_467_000


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (1_795_271_467, AT),
        (1_795_271_467.25, AT + 250),
        ("2026-11-21T14:31:07Z", AT),
        ("2026-11-21T14:31:07", AT),
        ("2026-11-21 14:31:07", AT),
        ("2026-11-21t14:31:07z", AT),
        ("2026-11-21T14:31:07.123456789Z", AT + 123),
        ("2026-11-21T16:31:07.5+02:00", AT + 500),
        (" 2026-11-21T14:31:07+0000 ", AT),
        ("2026-11-21", AT - AT % DAY),
    ],
)
def test_seconds_and_iso_8601_are_understood(value: Any, instant: int) -> None:
    assert instant_of(value) == instant


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, [], {}, float("nan"), float("inf"), 1e300, 10**400, -1),
        *("", "soon", "1795271467", "20261121", "2026-W47-6", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_anything_else_is_no_instant(value: Any) -> None:
    assert instant_of(value) is None


def test_an_instant_stays_a_date_when_it_is_moved() -> None:
    assert instant_of(AT / 1000, drift=-HOUR) == AT - HOUR
    assert instant_of(0, drift=-1) is None
    assert instant_of(YEAR_10000 / 1000 - 1, drift=SECOND) is None


def test_only_a_clock_that_is_an_hour_off_is_corrected() -> None:
    assert drift_of(None, NOON) == 0
    assert drift_of(NOON - 55 * MINUTE + 1, NOON) == 0
    assert drift_of(NOON - 55 * MINUTE, NOON) == 55 * MINUTE
    assert drift_of(NOON + 2 * HOUR, NOON) == -2 * HOUR


def test_the_future_and_a_clock_that_was_never_set_are_not_believed() -> None:
    assert is_believable(NOON + 60 * SECOND, NOON)
    assert not is_believable(NOON + 60 * SECOND + 1, NOON)
    assert is_believable(YEAR_2000, NOON)
    assert not is_believable(YEAR_2000 - 1, NOON)
