"""A running server for tests of the HTTP door: the whole house behind a real socket, once per engine."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from jinja2 import Environment, FileSystemBytecodeCache
from sanic import Sanic
from sanic.router import Router

from bugwatch.config import Config
from bugwatch.domain.account import Account, Caller, Role
from bugwatch.domain.clock import Clock
from bugwatch.main import open_house, working
from bugwatch.server.app import create
from bugwatch.server.listener import answering
from bugwatch.services.house import House
from bugwatch.services.passwords import Passwords
from bugwatch.services.sessions import Client

TLS = ssl.create_default_context()  # read once: each client would read all authorities anew


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
        made = httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False, verify=TLS, **options)  # type: ignore[arg-type]
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
        async with open_house(config, self._clock) as house, working(house):
            Sanic.test_mode = True  # lets every test have an app of this name
            app = create(house)
            app.config.TOUCHUP = False  # half as fast, and started three times as fast
            async with answering(app, sock):
                server = Server(f"http://127.0.0.1:{port}{house.site.base_path}", house)
                server.client()
                started.set_result(server)
                await stop.wait()
                for client in server.clients:
                    await client.aclose()
            _forget(app)

    async def end(self) -> None:
        for stop in self._stopping:
            stop.set()
        await asyncio.gather(*self._running)


def _forget(app: Sanic) -> None:
    """Let go of what would keep each app for the rest of the run, a megabyte each."""
    for blueprint in app.blueprints.values():
        blueprint.reset()
    for remembered in (Router.get, Router.find_route_by_view_name):
        remembered.cache_clear()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates that one server compiled serve the next ones."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(params=["sqlite", "postgres"])
async def serve(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    compiled: FileSystemBytecodeCache,
) -> AsyncIterator[Serve]:
    """Starts servers with settings of the test's choice, once per engine. Their passwords are hashed cheaply."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr("bugwatch.main.Passwords", lambda: Passwords(cheap))
    monkeypatch.setattr("bugwatch.templates.Environment", partial(Environment, bytecode_cache=compiled))
    database_url = ""
    if request.param == "postgres":
        database_url = request.getfixturevalue("migrated_postgres_url")
    else:
        (tmp_path / "data").mkdir(mode=0o700)
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "data" / "bugwatch.db")
    serving = Serve(clock, tmp_path / "data", database_url)
    yield serving
    await serving.end()


@pytest.fixture
async def server(serve: Serve) -> Server:
    """A server with default settings, over an empty database."""
    return await serve()


PASSWORD = "a quiet room with a view"


class People:
    """Alice owns, Bob is a member of her organization, Charlie is somebody else."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def alice(self) -> Account:
        return await self._made("alice@example.com", "Alice")

    async def bob(self, role: Role = Role.MEMBER) -> Account:
        await self.alice()
        return await self._made("bob@example.com", "Bob", role)

    async def charlie(self) -> Account:
        """The owner of an organization of his own."""
        await self.alice()
        accounts = self._server.house.accounts
        accounts.is_open = True
        charlie = await accounts.sign_up("charlie@example.com", PASSWORD, "203.0.113.7", name="Charlie")
        accounts.is_open = False
        return charlie

    async def caller(self, account: Account) -> Caller:
        """The account with its roles, as services ask for it."""
        return await self._server.house.sessions.caller_of(await self._access_token(account))

    async def api(self, account: Account) -> httpx.AsyncClient:
        """A client of the API that this account is signed in with."""
        return self._server.client(headers={"Authorization": f"Bearer {await self._access_token(account)}"})

    async def browser(self, account: Account) -> httpx.AsyncClient:
        """A browser that this account is signed in with."""
        opened = await self._server.house.sessions.open(account.id, Client("203.0.113.1", "Firefox"))
        return self._server.client(cookies={"bugwatch": opened})

    async def _access_token(self, account: Account) -> str:
        return (await self._server.house.sessions.open_pair(account.id, Client("203.0.113.1"))).access_token

    async def _made(self, email: str, name: str, role: Role = Role.MEMBER) -> Account:
        accounts = self._server.house.accounts
        for account in await accounts.list():
            if account.email == email:
                return account
        return await accounts.create_user(email, PASSWORD, role, name=name)


@pytest.fixture
def people(server: Server) -> People:
    return People(server)


@pytest.fixture
async def alice(people: People) -> Account:
    return await people.alice()


def form_token(page: str) -> str:
    """The token in the forms of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


async def submit(http: httpx.AsyncClient, page: str, path: str = "", **fields: object) -> httpx.Response:
    """Open a page and post to it, or to `path`, with the token of its forms, as a browser does."""
    opened = await http.get(page)
    assert opened.status_code == 200, opened.text
    return await http.post(path or page, data={"csrf": form_token(opened.text), **fields})
