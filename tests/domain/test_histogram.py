"""Counts by range."""

from __future__ import annotations

from bugwatch.domain.histogram import Histogram


def test_a_value_counts_for_every_bound_that_it_does_not_pass() -> None:
    histogram = Histogram((1, 10))
    for value in (0.5, 1, 2, 11):
        histogram.add(value)

    assert list(histogram.up_to()) == [(1, 2), (10, 3)]
    assert (histogram.count, histogram.total) == (4, 14.5)
