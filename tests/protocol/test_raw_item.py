"""What tells a repeat of an item that is kept raw."""

from __future__ import annotations

from bugwatch.protocol.raw_item import key_of


def test_a_check_in_is_known_by_its_id_and_status() -> None:
    payload = b'{"check_in_id": "83A7C03ED0A04E1B97E2E3B18D38F244", "status": "ok"}'

    assert key_of("check_in", payload, "", 1) == "83a7c03ed0a04e1b97e2e3b18d38f244:ok"


def test_a_key_holds_nothing_that_a_database_refuses() -> None:
    payload = b'{"check_in_id": "83a7c03ed0a04e1b97e2e3b18d38f244", "status": "\\u0000"}'

    assert "\x00" not in key_of("check_in", payload, "", 1)
