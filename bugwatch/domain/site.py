"""Where this instance lives: its address, as people and SDKs see it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Site:
    """`url` has no slash at its end and may carry a base path."""

    url: str
    version: str = ""

    @property
    def base_path(self) -> str:
        """`/bugwatch`, or an empty string: what stands before every path of ours."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    def dsn(self, public_key: str, project_id: int) -> str:
        """What an SDK is given: `http://<key>@host:port/<project>`."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{public_key}@{rest}/{project_id}"
