"""Whose word counts on where a request comes from."""

from __future__ import annotations

from ipaddress import ip_network
from types import SimpleNamespace
from typing import cast

from sanic import Request
from sanic.compat import Header

from bugwatch.server.address import client_address


def seen(*forwarded_for: str, peer: str = "10.0.0.1", proxies: tuple[str, ...] = ("10.0.0.0/8",)) -> str:
    site = SimpleNamespace(trusted_proxies=tuple(ip_network(proxy) for proxy in proxies))
    app = SimpleNamespace(ctx=SimpleNamespace(house=SimpleNamespace(site=site)))
    headers = Header([("X-Forwarded-For", line) for line in forwarded_for])
    return client_address(cast("Request", SimpleNamespace(app=app, ip=peer, headers=headers)))


def test_the_last_hop_that_is_no_proxy_of_ours_is_the_client() -> None:
    assert seen("6.6.6.6, 203.0.113.9, 10.0.0.2") == "203.0.113.9"


def test_nobody_but_a_trusted_proxy_is_believed() -> None:
    assert seen("6.6.6.6", peer="203.0.113.9") == "203.0.113.9"


def test_a_proxy_that_adds_a_line_of_its_own_is_believed_rather_than_the_line_that_was_there() -> None:
    assert seen("6.6.6.6", "203.0.113.9") == "203.0.113.9"
