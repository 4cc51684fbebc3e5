"""How long somebody has to wait who keeps guessing: delays that grow, never a lock.

The first attempts are free, then each failure doubles the wait up to a limit, and an hour of quiet forgets all.
Failures count for the account that was tried and for the network they come from. A browser that has signed in before
counts on its own, so that strangers who hammer an account, or share a network with its owner, cannot keep its owner out
(OWASP, "Slow down online guessing attacks with device cookies").
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from bugwatch.domain.clock import HOUR, MINUTE, SECOND

FORGET = HOUR


@dataclass(frozen=True, slots=True)
class Patience:
    """`name` tells what is attempted and by what it is counted; `free` attempts come without a wait."""

    name: str
    free: int
    longest: int

    def wait_after(self, count: int) -> int:
        """How long the next attempt has to wait after `count` of them, in ms."""
        if count < self.free:
            return 0
        return min(SECOND << min(count - self.free, 30), self.longest)


LOGIN_BY_EMAIL = Patience("login by email", 5, 5 * MINUTE)
LOGIN_BY_NETWORK = Patience("login by network", 20, 5 * MINUTE)
LOGIN_BY_DEVICE = Patience("login by device", 10, 5 * MINUTE)
SIGNUP_BY_NETWORK = Patience("signup by network", 10, 30 * MINUTE)
RESET_BY_EMAIL = Patience("reset by email", 3, 30 * MINUTE)
RESET_BY_NETWORK = Patience("reset by network", 10, 30 * MINUTE)


def network_of(address: str) -> str:
    """Who is likely to be one and the same: the /24 of an IPv4 address, the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))
