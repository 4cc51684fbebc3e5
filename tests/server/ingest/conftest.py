"""A project and a client that speaks the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from bugwatch.domain.outcome import Category
from bugwatch.storage import ledger
from bugwatch.storage.database import Row
from tests.server.conftest import Serve, Server


@dataclass
class Sender:
    """An SDK in a few lines: `event()` posts one envelope, `totals()` is what the ledger says."""

    server: Server
    project_id: int
    key: str
    api_key: str

    @property
    def path(self) -> str:
        return f"/api/{self.project_id}/envelope/"

    @property
    def auth(self) -> dict[str, str]:
        return {"X-Sentry-Auth": f"Sentry sentry_version=7,sentry_key={self.key},sentry_client=test/1"}

    async def post(self, body: bytes | str, **given: object) -> httpx.Response:
        given.setdefault("headers", self.auth)
        path = str(given.pop("path", self.path))
        return await self.server.http.post(path, content=body, **given)  # type: ignore[arg-type]

    async def event(self, event: dict[str, object] | None = None, **given: object) -> httpx.Response:
        return await self.post(envelope(("event", event or error())), **given)

    async def totals(self, category: Category = Category.ERROR) -> dict[str, int]:
        async with self.server.house.db.read() as tx:
            found = await ledger.totals(tx, self.project_id, category)
        return {name: count for name, count in found.items() if count}

    async def rows(self, sql: str) -> list[Row]:
        async with self.server.house.db.read() as tx:
            return list(await tx.all(sql))


def error(kind: str = "ValueError", value: str = "bad", **more: object) -> dict[str, object]:
    return {
        "event_id": uuid.uuid4().hex,
        "platform": "python",
        "exception": {"values": [{"type": kind, "value": value}]},
        **more,
    }


def envelope(*items: tuple[str, object], header: dict[str, object] | None = None, has_length: bool = True) -> bytes:
    """An envelope with these items; bytes go in as they are, all else as JSON."""
    parts = [json.dumps(header or {}).encode()]
    for kind, content in items:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        parts += [json.dumps({"type": kind} | ({"length": len(payload)} if has_length else {})).encode(), payload]
    return b"\n".join(parts) + b"\n"


StartSender = Callable[..., object]


async def sender_of(server: Server, name: str = "Shop") -> Sender:
    created = await server.house.projects.create(name)
    key = created.dsn.partition("://")[2].partition("@")[0]
    return Sender(server, created.project.id, key, created.api_key)


@pytest.fixture
async def sender(server: Server) -> Sender:
    return await sender_of(server)


@pytest.fixture
def start(serve: Serve):  # type: ignore[no-untyped-def]
    """`await start(rate_limit=3)`: a sender to a server with these settings."""

    async def begin(**settings: object) -> Sender:
        return await sender_of(await serve(**settings))

    return begin
