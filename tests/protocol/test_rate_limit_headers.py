from __future__ import annotations

import pytest

from bugwatch.protocol.rate_limit_headers import RateLimit, rate_limits, retry_after


@pytest.mark.parametrize(
    ("limits", "header"),
    [
        ([], ""),
        ([RateLimit(60)], "60::project"),
        ([RateLimit(60, ("error",))], "60:error:project"),
        ([RateLimit(60, ("error", "security"), reason="quota")], "60:error;security:project:quota"),
        ([RateLimit(60, ("error",), scope="key"), RateLimit(3600, ("span",))], "60:error:key, 3600:span:project"),
        ([RateLimit(-5, ("error",))], "0:error:project"),
    ],
)
def test_limits_are_written_as_sdks_read_them(limits: list[RateLimit], header: str) -> None:
    assert rate_limits(limits) == header


def test_a_reason_can_neither_break_the_line_nor_add_a_limit() -> None:
    assert rate_limits([RateLimit(1, ("error:x",), reason="a\r\nB, 9:span")]) == "1:error_x:project:a_b_9_span"


@pytest.mark.parametrize(("seconds", "header"), [([], "0"), ([60], "60"), ([60, 3600, 5], "3600"), ([-1], "0")])
def test_the_longest_wait_is_announced(seconds: list[int], header: str) -> None:
    assert retry_after([RateLimit(each) for each in seconds]) == header
