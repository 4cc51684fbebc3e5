"""Where this instance lives: its address, as people and SDKs see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit


@dataclass(slots=True)
class Site:
    """`url` has no slash at its end and may carry a base path. Unless the configuration fixes it, the set-up page may
    move it while we run; that is why this is the one thing here that changes."""

    url: str
    version: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    is_fixed: bool = True
    time_zone: str = "UTC"

    @property
    def base_path(self) -> str:
        """`/bugwatch`, or an empty string: what stands before every path of ours."""
        return _base_path(self.url)  # asked several times by each request

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    def link(self, path: str) -> str:
        """The whole address of a page of ours, for mails and consoles."""
        return self.url + path

    def dsn(self, public_key: str, project_id: int) -> str:
        """What an SDK is given: `http://<key>@host:port/<project>`."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{public_key}@{rest}/{project_id}"


@lru_cache(maxsize=16)
def _base_path(url: str) -> str:
    return urlsplit(url).path.rstrip("/")
