"""Who is really calling: the peer, unless it is a proxy that the operator trusts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from sanic import Request

from bugwatch.server.context import house

Network = IPv4Network | IPv6Network


def client_address(request: Request) -> str:
    """Where the request came from. Behind trusted proxies: the last in X-Forwarded-For that is not theirs."""
    # Some proxies add a line of their own below the one that came: all lines together are the list.
    forwarded_for = ",".join(request.headers.getall("x-forwarded-for", ()))
    return believed(request.ip, forwarded_for, house(request).site.trusted_proxies)


def is_from_proxy(request: Request) -> bool:
    """Whether what the peer says about the caller (X-Forwarded-…) is to be believed."""
    return _is_trusted(request.ip, house(request).site.trusted_proxies)


def believed(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The rightmost address that no trusted proxy vouches for: what stands left of it, anybody may have written."""
    address = peer
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    while hops and _is_trusted(address, trusted):
        hop = hops.pop().removeprefix("[").partition("]")[0]
        if _parsed(hop) is None:
            break
        address = hop
    return address


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    found = _parsed(address)
    if found is None:
        return not address and bool(trusted)  # a Unix socket has no address: only a local proxy can use it
    return any(found.version == network.version and found in network for network in trusted)


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
