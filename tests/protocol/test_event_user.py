from __future__ import annotations

import json
from typing import Any

import pytest

from bugwatch.domain.event import User
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_payload import skim
from tests.conftest import NOON

CALLER = "198.51.100.4"
SERVER_TOLD = "192.0.2.7"


def user(**event: Any) -> User | None:
    return skim(json.dumps(event).encode(), received_at=NOON, remote_addr=CALLER).user


@pytest.mark.parametrize("value", [None, {}, {"id": ""}, {"data": {}}, [], "ada", 7, {"geo": {}}])
def test_nobody(value: Any) -> None:
    assert user(user=value) is None


def test_unknown_keys_join_the_data() -> None:
    sent = {
        "id": 7,
        "email": "ada@example.com",
        "plan": "pro",
        "geo": {"city": "Bern"},
        "segment": "",
        "data": {"seats": 3},
    }

    assert user(user=sent) == User(
        id="7", email="ada@example.com", data={"seats": 3, "plan": "pro", "geo": {"city": "Bern"}}
    )


@pytest.mark.parametrize(
    ("event", "address"),
    [
        # As sent, when it is an address.
        ({"user": {"ip_address": "203.0.113.9"}}, "203.0.113.9"),
        ({"user": {"ip_address": "2001:db8::1"}}, "2001:db8::1"),
        ({"user": {"ip_address": "somewhere"}}, ""),
        # Asked for.
        ({"user": {"ip_address": "{{auto}}"}}, CALLER),
        ({"sdk": {"settings": {"infer_ip": "auto"}}}, CALLER),
        ({"user": {"ip_address": "{{auto}}"}, "sdk": {"settings": {"infer_ip": "never"}}}, ""),
        # By habit, unless refused.
        ({"platform": "javascript"}, CALLER),
        ({"platform": "cocoa"}, CALLER),
        ({"platform": "javascript", "sdk": {"settings": {"infer_ip": "never"}}}, ""),
        ({"platform": "python"}, ""),
        # The application saw its own caller; the connection is only the application's.
        ({"platform": "python", "request": {"env": {"REMOTE_ADDR": SERVER_TOLD}}}, SERVER_TOLD),
        ({"user": {"ip_address": "{{auto}}"}, "request": {"env": {"REMOTE_ADDR": SERVER_TOLD}}}, SERVER_TOLD),
        ({"user": {"ip_address": "203.0.113.9"}, "request": {"env": {"REMOTE_ADDR": SERVER_TOLD}}}, "203.0.113.9"),
        ({"request": {"env": {"REMOTE_ADDR": "unix:"}}}, ""),
    ],
)
def test_whose_address_is_filled_in(event: dict[str, Any], address: str) -> None:
    found = user(**event)

    assert (found.ip_address if found else "") == address


def test_long_names_are_cut_to_what_an_index_holds() -> None:
    found = user(user={"username": "x" * 10_000})

    assert found
    assert len(found.username) == limits.USER
