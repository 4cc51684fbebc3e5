"""DSNs: `{scheme}://{public_key}[:{secret}]@{host}[:{port}][/{prefix}]/{project_id}` (PROTOCOL §1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bugwatch.domain.errors import Invalid

_LENGTH = 2_000
_DSN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<key>[^:@/\s]+)(?::[^@/\s]*)?@"  # the secret is a thing of the past: read over
    r"(?P<host>\[[0-9a-f:.]+\]|[^:@/\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<prefix>(?:/[^/\s?#]+)*)/+(?P<project_id>[0-9]{1,18})/?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Dsn:
    """`host` as written, without the port; `prefix` empty or with a leading slash; `port` None for the usual."""

    scheme: str
    public_key: str
    host: str
    port: int | None
    prefix: str
    project_id: int

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.public_key}@{self.host}{port}{self.prefix}/{self.project_id}"


def parse(text: str) -> Dsn:
    """The DSN in `text`. Its public key is not judged here. Raises `Invalid`."""
    found = _DSN.fullmatch(text.strip()) if len(text) <= _LENGTH else None
    if found is None:
        raise Invalid("This is no DSN. One looks like https://<32 hex digits>@host/1, with a number at its end.", "dsn")
    scheme, port = found["scheme"].lower(), int(found["port"] or 0)
    return Dsn(
        scheme=scheme,
        public_key=found["key"],
        host=found["host"].lower(),
        port=None if port in (0, _DEFAULT_PORTS.get(scheme)) else port,
        prefix=found["prefix"],
        project_id=int(found["project_id"]),
    )


def format_dsn(base_url: str, public_key: str, project_id: int | None) -> str:
    """The DSN of a key on the server at `base_url` (`http://host:8470/base/path`)."""
    scheme, _, rest = base_url.partition("://")
    return f"{scheme}://{public_key}@{rest.strip('/')}/{project_id if project_id is not None else '<project>'}"
