"""A running server for tests of the HTTP door: the whole house behind a real socket, once per engine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.server.async_server import AsyncioServer

from bugwatch.config import Config
from bugwatch.domain.clock import Clock
from bugwatch.main import open_house
from bugwatch.server.app import create
from bugwatch.services.house import House


@dataclass
class Server:
    """`http` is a browser with cookies that follows no redirects; `client()` is another one; `url` is where both go."""

    url: str
    house: House
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def http(self) -> httpx.AsyncClient:
        return self.clients[0]

    def client(self, **options: object) -> httpx.AsyncClient:
        """A client of its own: nobody's cookies. Closed with the server."""
        made = httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False, **options)  # type: ignore[arg-type]
        self.clients.append(made)
        return made


class Serve:
    """`await serve(open_registration=True)` starts a server with these settings; it ends with the test."""

    def __init__(self, clock: Clock, data_dir: Path, database_url: str) -> None:
        self._clock = clock
        self._given = {"data_dir": data_dir, "database_url": database_url}
        self._stopping: list[asyncio.Event] = []
        self._running: list[asyncio.Task[None]] = []

    async def __call__(self, **settings: object) -> Server:
        started: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
        self._stopping.append(asyncio.Event())
        self._running.append(asyncio.create_task(self._run(settings, started, self._stopping[-1])))
        await asyncio.wait([started, self._running[-1]], return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            await self._running.pop()  # raises what kept it from starting
        return await started

    async def _run(self, settings: dict[str, object], started: asyncio.Future[Server], stop: asyncio.Event) -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        port = sock.getsockname()[1]
        config = Config.model_validate({**self._given, "port": port, **settings})
        async with open_house(config, self._clock) as house:
            Sanic.test_mode = True  # lets every test have an app of this name
            app = create(house)
            app.state.server_info.append(ApplicationServerInfo({"version": HTTP.VERSION_1, "port": port}))
            running = await app.create_server(sock=sock, return_asyncio_server=True, access_log=False)
            assert isinstance(running, AsyncioServer)
            await running.startup()
            await running.start_serving()
            server = Server(f"http://127.0.0.1:{port}{house.site.base_path}", house)
            server.client()
            started.set_result(server)
            await stop.wait()
            for client in server.clients:
                await client.aclose()
            running.close()
            for connection in list(running.connections):
                connection.abort()
            await running.wait_closed()

    async def end(self) -> None:
        for stop in self._stopping:
            stop.set()
        await asyncio.gather(*self._running)


@pytest.fixture(params=["sqlite", "postgres"])
async def serve(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Serve]:
    """Starts servers with settings of the test's choice, once per engine."""
    database_url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    serving = Serve(clock, tmp_path / "data", database_url)
    yield serving
    await serving.end()


@pytest.fixture
async def server(serve: Serve) -> Server:
    """A server with default settings, over an empty database."""
    return await serve()
