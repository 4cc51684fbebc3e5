"""Alice's shop, and the API as Alice (owner), Bob (member) and Charlie (somebody else) see it.

Every answer that a test gets is held against the OpenAPI document: what it promises is what is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from tests.conftest import FakeClock
    from tests.server.conftest import People, Server


class Contract:
    """The OpenAPI document as a judge of answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._paths = {
            path: re.compile(re.sub(r"\\?\{\w+\\?\}", "[^/]+", re.escape(path)) + "/?") for path in document["paths"]
        }

    async def check(self, response: httpx.Response) -> None:
        """Raises if the answer is none that the document promises."""
        await response.aread()
        promised = self._promised(response)
        content = promised.get("content", {})
        if not content:
            assert response.content == b"", f"{response.request.url}: a body that is promised nowhere"
        elif "application/json" in content:
            schema = {**content["application/json"]["schema"], "components": self.document["components"]}
            Draft202012Validator(schema).validate(response.json())

    def _promised(self, response: httpx.Response) -> dict[str, Any]:
        method, path = response.request.method.lower(), response.request.url.path
        operations = [self.document["paths"][name] for name, form in self._paths.items() if form.fullmatch(path)]
        responses = next((found[method]["responses"] for found in operations if method in found), {})
        error: dict[str, Any] = self.document["components"]["responses"]["Error"]
        if response.is_success:
            assert str(response.status_code) in responses, f"{method} {path} promises no {response.status_code}"
            return dict(responses[str(response.status_code)])
        return error


@dataclass
class Shop:
    """Alice's project and its clients. `send` reports an event, which is stored when it returns."""

    server: Server
    clock: FakeClock
    contract: Contract
    id: int
    dsn: str
    api_key: str
    alice: httpx.AsyncClient
    bob: httpx.AsyncClient
    charlie: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"/api/v1/projects/{self.id}"

    async def send(self, message: str = "broken", *, dsn: str = "", **event: object) -> str:
        """An event with a `ValueError: {message}`; its id."""
        error = {"type": "ValueError", "value": message, "stacktrace": {"frames": [frame(message.split()[0])]}}
        body = {"platform": "python", "exception": {"values": [error]}, **event}
        key = (dsn or self.dsn).partition("://")[2].partition("@")[0]
        answer = await self.server.http.post(f"/api/{self.id}/store/?sentry_key={key}", json=body)
        assert answer.status_code == 200, answer.text
        event_id: str = answer.json()["id"]
        return event_id

    async def issues(self, client: httpx.AsyncClient | None = None, **query: object) -> list[dict[str, Any]]:
        """The items of one page."""
        answer = await (client or self.alice).get(f"{self.url}/issues", params=query)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def titles(self, **query: object) -> list[str]:
        return [issue["title"].removeprefix("ValueError: ") for issue in await self.issues(**query)]


def frame(function: str) -> dict[str, object]:
    return {"filename": "shop/cart.py", "module": "shop.cart", "function": function, "lineno": 7, "in_app": True}


@pytest.fixture
async def contract(server: Server) -> Contract:
    return Contract((await server.http.get("/api/v1/openapi.json")).json())


@pytest.fixture
async def shop(server: Server, people: People, clock: FakeClock, contract: Contract) -> Shop:
    clients = []
    for account in (await people.alice(), await people.bob(), await people.charlie()):
        token = await server.house.tokens.create(
            account.email, ["admin"]
        )  # tests move the clock further than a JWT lives
        clients.append(server.client(headers={"Authorization": f"Bearer {token}"}))
        clients[-1].event_hooks["response"].append(contract.check)
    made = await clients[0].post("/api/v1/projects", json={"name": "Shop", "platform": "python"})
    assert made.status_code == 201, made.text
    project = made.json()
    return Shop(server, clock, contract, project["id"], project["dsn"], project["api_key"], *clients)
