"""The one way out: an HTTP client that connects only where its policy allows.

A name is resolved once, every address it has is tested, and the connection goes to an address that was tested, under
the original name (Host header, TLS): so a name that means something else a moment later changes nothing. Proxies in the
environment are ignored and redirects not followed, unless asked for; then each hop is tested like the first.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

TIMEOUT_S = 15.0

# Where cloud providers hand out credentials. Some lie in private networks: they are closed even where those are open.
METADATA = tuple(
    ip_network(text)
    for text in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::254", "168.63.129.16", "100.100.100.200")
)
PRIVATE = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1", "fc00::/7")
)
# IANA's special-purpose registries, besides the private ones: nothing there is a host on the internet.
SPECIAL = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Policy:
    """Hosts on the internet are allowed; private networks if `allows_private`; what is in `listed` always."""

    allows_private: bool = False
    listed: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether one may connect there. An address that carries another in it is judged by both."""
        return self._allows_itself(address) and all(self._allows_itself(inner) for inner in carried(address))

    def _allows_itself(self, address: Address) -> bool:
        if _within(address, self.listed) or (isinstance(address, IPv6Address) and carried(address)):
            return True
        if _within(address, METADATA) or _within(address, SPECIAL):
            return False
        if _within(address, PRIVATE):
            return self.allows_private
        return isinstance(address, IPv4Address) or address in _GLOBAL_V6


EXTERNAL = Policy()
ANYWHERE = Policy(allows_private=True)


def client(
    policy: Policy = EXTERNAL,
    *,
    timeout_s: float = TIMEOUT_S,
    network: httpx.AsyncBaseTransport | None = None,
    resolve: Resolve | None = None,
) -> httpx.AsyncClient:
    """A client that connects only where `policy` allows. Tests pass their own `network` and `resolve`.

    Where it may not connect it raises what it raises where nobody listens: httpx.ConnectError with the same words. The
    log tells the difference.
    """
    return httpx.AsyncClient(
        transport=Guarded(policy, network or httpx.AsyncHTTPTransport(), resolve or look_up),
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
    )


class Guarded(httpx.AsyncBaseTransport):
    """See the module."""

    def __init__(self, policy: Policy, network: httpx.AsyncBaseTransport, resolve: Resolve) -> None:
        self._policy = policy
        self._network = network
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.raw_host.decode("ascii")
        for address in await self._tested(host, request):
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,  # with the Host of the original
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._network.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                log.info("%s did not answer at %s: %s", host, address, error)
        raise httpx.ConnectError(f"{host} cannot be reached.", request=request)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def _tested(self, host: str, request: httpx.Request) -> list[Address]:
        """All addresses of the host; none if one of them is not allowed."""
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = [ip_address(text.partition("%")[0]) for text in await self._resolve(host, port)]
        except OSError as error:
            log.info("%s has no address: %s", host, error)
            return []
        for address in addresses:
            if not self._policy.allows(address):
                log.warning("%s is at %s, where we do not connect", host, address)
                return []
        return addresses


def carried(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that a packet to this IPv6 address may end at: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, IPv4Address):
        return []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    if _within(address, _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return []


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, in the order in which to try them. Raises OSError if it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
