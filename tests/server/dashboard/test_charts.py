"""Charts: geometry that tells the truth, in words as well."""

from __future__ import annotations

import re
from datetime import UTC
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.clock import DAY, HOUR
from bugwatch.server.dashboard.charts import bars, spark


def test_a_spark_rises_only_when_the_last_hours_stand_out() -> None:
    assert spark([0] * 21 + [5, 6, 9]).is_rising
    assert "Rising." in spark([0] * 21 + [5, 6, 9]).label
    assert not spark([5] * 24).is_rising
    assert not spark([9] * 12 + [0] * 12).is_rising


@given(st.lists(st.integers(0, 10**9), min_size=24, max_size=24))
def test_every_hour_of_a_spark_has_one_bar_and_none_leaves_the_picture(counts: list[int]) -> None:
    drawn = spark(counts)

    tops = [float(top) for top in re.findall(r"V([\d.]+)", drawn.quiet + drawn.hot)]
    assert len(tops) == 24
    assert all(0 <= top <= 26 for top in tops)


def test_errors_stand_below_the_others_and_both_add_up() -> None:
    drawn = bars(0, HOUR, [(30, 10), (0, 0), (0, 80)], UTC, 78)

    assert drawn.scale == 80
    assert drawn.errors == "M0.1 47h.8v-17.6h-.8z"
    assert drawn.others == "M0.1 29.4h.8v-5.9h-.8zM2.1 47h.8v-47h-.8z"
    assert drawn.label == "120 events, at most 80 in an hour."


def test_one_event_among_thousands_can_be_seen() -> None:
    assert "v-1h" in bars(0, HOUR, [(1, 0), (0, 50_000)], UTC, 78).errors


def test_the_scale_is_round_and_one_event_is_no_alarm() -> None:
    scales = [bars(0, HOUR, [(count, 0)], UTC, 78).scale for count in (0, 1, 5, 6, 11, 99, 12_402)]

    assert scales == [4, 4, 5, 8, 20, 100, 20_000]


def test_a_day_is_labelled_in_hours_of_the_readers_zone_and_more_in_dates() -> None:
    day = bars(0, HOUR, [(0, 0)] * 24, ZoneInfo("Asia/Kolkata"), 78)
    month = bars(0, DAY, [(0, 0)] * 30, UTC, 78)

    assert [label.text for label in day.labels][:2] == ["05:30", "09:30"]
    assert month.labels[0].text == "Jan 1"
    assert day.labels[-1].text == "now"


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), max_size=100))
def test_any_numbers_give_a_chart_within_its_frame(counts: list[tuple[int, int]]) -> None:
    drawn = bars(0, HOUR, counts, UTC, 78)

    heights = [float(height) for height in re.findall(r"v-([\d.]+)", drawn.errors + drawn.others)]
    assert all(0 < height <= drawn.plot for height in heights)
