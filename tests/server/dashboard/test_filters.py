"""Filters: from the address, and back into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.server.dashboard.filters import LONGEST_TERM, PERIODS, Filters


def test_an_address_without_parameters_is_the_default() -> None:
    assert Filters.read({}) == Filters()
    assert Filters().changed() == {}


def test_what_makes_no_sense_is_as_if_it_were_not_there() -> None:
    given = {"status": "x", "sort": "1; DROP TABLE issues", "period": "9y", "level": "loud", "unknown": "y"}

    assert Filters.read(given) == Filters()


@pytest.mark.parametrize("query", ["", "=&&=", "status=%FF%00", "a" * 100_000, "status", "query=%"])
def test_any_query_string_can_be_read(query: str) -> None:
    assert Filters.read_query(query)


def test_a_long_term_is_cut() -> None:
    assert len(Filters.read({"query": "x" * 5_000}).query) == LONGEST_TERM


def test_a_change_keeps_the_rest() -> None:
    filters = Filters(status="ignored", environment="staging")

    assert filters.changed(level="error", environment="") == {"status": "ignored", "level": "error"}


def test_tab_and_sort_do_not_count_as_filters() -> None:
    assert Filters(status="all", sort="users").active_count == 0
    assert Filters(period="7d", query="x").active_count == 2


def test_bars_divide_every_period() -> None:
    assert [span % step for span, step in PERIODS.values()] == [0] * len(PERIODS)


@given(st.builds(Filters, query=st.text(max_size=50).map(str.strip), release=st.text(max_size=50).map(str.strip)))
def test_a_view_survives_its_own_address(filters: Filters) -> None:
    assert Filters.read_query(filters.as_query) == filters
