"""How often is too often."""

from __future__ import annotations

from bugwatch.domain.clock import MINUTE, SECOND
from bugwatch.domain.quota import Buckets, TokenBucket


def test_a_minutes_worth_may_come_at_once_and_then_one_by_one() -> None:
    bucket = TokenBucket(6, 0)
    assert [bucket.take(0) for _ in range(7)] == [0] * 6 + [10]
    assert bucket.take(9 * SECOND) == 1
    assert bucket.take(10 * SECOND) == 0


def test_it_never_holds_more_than_a_minutes_worth() -> None:
    bucket = TokenBucket(3, 0)
    assert [bucket.take(60 * MINUTE) for _ in range(4)] == [0, 0, 0, 20]


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing() -> None:
    bucket = TokenBucket(1, 60 * MINUTE)
    assert bucket.take(60 * MINUTE) == 0
    assert bucket.take(0) == 60
    assert bucket.take(MINUTE) == 0


def test_zero_is_no_limit() -> None:
    buckets = Buckets()
    assert {buckets.take("a", 0, 0) for _ in range(100)} == {0}


def test_names_have_their_own_and_a_new_limit_counts_at_once() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 1, 0), buckets.take("a", 1, 0), buckets.take("b", 1, 0)] == [0, 60, 0]
    assert buckets.take("a", 2, 0) == 0


def test_the_oldest_name_is_forgotten_when_there_are_too_many() -> None:
    buckets = Buckets(limit=2)
    for name in ("a", "b", "c"):
        buckets.take(name, 1, 0)
    assert buckets.take("a", 1, 0) == 0
    assert buckets.take("c", 1, 0) == 60


def test_what_is_left_is_told_with_when_it_is_full_again() -> None:
    buckets = Buckets()
    assert buckets.left("a", 6, SECOND) == (6, SECOND)
    buckets.take("a", 6, SECOND, 3)
    assert buckets.left("a", 6, SECOND) == (3, 31 * SECOND)
    assert buckets.left("a", 6, 12 * SECOND) == (4, 31 * SECOND)
    assert buckets.left("a", 6, MINUTE) == (6, MINUTE)
