"""An answer before anybody speaks HTTP: what the door of SDKs and the table of errors make, for Sanic or whoever sends
it."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from sanic import HTTPResponse

from bugwatch.server.ingest.cors import FOR_SDKS


@dataclass(slots=True)
class Reply:
    """`headers` are those of this very answer; `finish` adds what each has."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def for_sanic(self) -> HTTPResponse:
        return HTTPResponse(self.body, self.status, self.headers, self.content_type)


def finish(headers: MutableMapping[str, str], request_id: str, seconds: float | None, *, for_sdk: bool) -> None:
    """Add the headers that every answer has; `seconds` is how long it took, None where nobody looked at the clock."""
    headers["X-Request-Id"] = request_id
    if seconds is not None:
        headers["Server-Timing"] = f"total;dur={seconds * 1000:.1f}"
    if for_sdk:
        headers.update(FOR_SDKS)
    headers.setdefault("X-Content-Type-Options", "nosniff")
