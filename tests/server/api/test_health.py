from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.server.conftest import Server


async def test_a_started_server_is_ready(server: Server) -> None:
    answer = await server.http.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
