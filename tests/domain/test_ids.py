"""Ids grow with time, fit in JSON, and never repeat."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bugwatch.domain.clock import now_ms
from bugwatch.domain.ids import Ids, clean_event_id, first_id_at, new_event_id, time_of
from tests.conftest import FakeClock


def test_an_id_is_its_time(clock: FakeClock) -> None:
    made = Ids(clock).next()
    assert time_of(made) == clock.now
    assert made >= first_id_at(clock.now)
    assert first_id_at(clock.now + 1) > made


def test_they_never_repeat_nor_go_back_also_when_the_clock_does(clock: FakeClock) -> None:
    ids = Ids(clock)
    made = [ids.next() for _ in range(100)]
    clock.now -= 5_000
    made += [ids.next() for _ in range(100)]
    assert made == sorted(set(made))


def test_two_threads_never_get_the_same() -> None:
    ids = Ids(now_ms)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            made = [one for many in pool.map(lambda _: [ids.next() for _ in range(5_000)], range(4)) for one in many]
    finally:
        sys.setswitchinterval(before)
    assert len(set(made)) == len(made)


def test_a_restart_with_an_older_clock_goes_on_where_it_was(clock: FakeClock) -> None:
    last = Ids(clock, 3).next()
    clock.now -= 60_000
    after = Ids(clock, 3)
    after.seen(last)
    assert after.next() > last


def test_instances_never_make_the_same(clock: FakeClock) -> None:
    made = [Ids(clock, n).next() for n in range(8)]
    assert len(set(made)) == 8


def test_they_fit_in_json_until_2060() -> None:
    assert first_id_at(2_840_140_800_000) < 2**53


def test_there_are_eight_instances() -> None:
    with pytest.raises(ValueError, match="0 to 7"):
        Ids(lambda: 0, 8)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("A" * 32, "a" * 32),
        ("12345678-1234-1234-1234-123456789abc", "12345678123412341234123456789abc"),
        ("a" * 31, None),
        ("g" * 32, None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_event_ids_are_32_hex_digits_in_any_spelling(given: object, clean: str | None) -> None:
    assert clean_event_id(given) == clean


def test_new_event_ids_are_event_ids() -> None:
    made = new_event_id()
    assert clean_event_id(made) == made
