from __future__ import annotations

import pytest

from bugwatch.domain.attempts import LOGIN_BY_EMAIL, Patience, network_of
from bugwatch.domain.clock import MINUTE, SECOND


def test_the_wait_doubles_after_the_free_attempts_up_to_its_limit() -> None:
    patience = Patience("test", free=3, longest=10 * SECOND)

    assert [patience.wait_after(count) // SECOND for count in range(1, 9)] == [0, 0, 1, 2, 4, 8, 10, 10]
    assert patience.wait_after(10**9) == 10 * SECOND


def test_nobody_is_ever_locked_out_for_more_than_minutes() -> None:
    assert LOGIN_BY_EMAIL.wait_after(10**6) == 5 * MINUTE


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_neighbours_count_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
