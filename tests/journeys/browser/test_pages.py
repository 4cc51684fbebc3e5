"""The pages in Chromium: both themes, four widths, keyboard, no script, and an event that tries to break them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sanic import Sanic

from bugwatch.config import Config
from bugwatch.domain.account import Role
from bugwatch.main import open_house, working
from bugwatch.server.app import create
from bugwatch.server.dashboard.help import topics
from bugwatch.server.listener import answering, bind
from bugwatch.services.house import House
from bugwatch.services.sessions import Client
from tests import make

HERE = Path(__file__).parent
CHROME = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
HAS_PACKAGES = (HERE.parent / "node_modules/playwright-core").is_dir() and shutil.which("node")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROME, reason="Chromium is not installed"),
    pytest.mark.skipif(not HAS_PACKAGES, reason="npm ci was not run in tests/journeys"),
]

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)><b hx-get=/x hx-trigger=load>'\" مرحبا \U0001f600 "
)

# As long as a name may be, and mostly without a place to break it.
HOSTILE_NAME = "<b>bold</b>&amp; مرحبا \U0001f600 ".ljust(100, "x")


def frame(name: str, function: str, line: int, *, is_app: bool = True) -> dict[str, object]:
    return {
        "filename": name,
        "abs_path": f"/app/{name}" if is_app else f"/venv/lib/python3.13/site-packages/{name}",
        "function": function,
        "lineno": line,
        "in_app": is_app,
        "pre_context": ["def apply_best_discount(cart: Cart) -> Money:", "    best = max(candidates, default=None)"],
        "context_line": "    ledger.record(cart_id=cart.id, rule_id=best.id)",
        "post_context": ["    return cart.subtotal - best.value_for(cart)"],
        "vars": {"best": "None", "cart": "<Cart id=9f31c2 items=3>", "password": "hunter2"},
    }


def error(type_: str, value: str, **given: object) -> dict[str, object]:
    """An event as a Python SDK sends it."""
    frames = [frame("starlette/routing.py", "app", 73, is_app=False), frame("checkout/discounts.py", "apply", 48)]
    return {
        "event_id": uuid.uuid4().hex,
        "platform": "python",
        "environment": "production",
        "release": "2.14.1",
        "exception": {
            "values": [
                {"type": "KeyError", "value": "'CHF'", "mechanism": {"type": "chained", "source": "__context__"}},
                {"type": type_, "value": value, "mechanism": {"handled": False}, "stacktrace": {"frames": frames}},
            ]
        },
        "breadcrumbs": [{"category": "query", "message": f"SELECT {n}", "level": "warning"} for n in range(12)],
        "request": {"url": "https://api.example/v1/checkout", "method": "POST", "headers": {"Host": "api.example"}},
        "user": {"id": "20417", "email": "j.meier@example.ch"},
        "contexts": {"runtime": {"name": "CPython", "version": "3.13.5"}},
        "tags": {"currency": "CHF"},
        **given,
    }


def events() -> list[dict[str, object]]:
    ordinary = [error(f"Error{number:02}", "Retry budget exhausted after 12 attempts") for number in range(10)]
    levels = [error(level.title(), f"of level {level}", level=level) for level in ("fatal", "warning", "info", "debug")]
    hostile = error(HOSTILE, HOSTILE * 40, tags={"hostile": HOSTILE}, extra={HOSTILE: HOSTILE}, release=HOSTILE)
    message: dict[str, object] = {"event_id": uuid.uuid4().hex, "message": "x" * 4_000, "level": "info"}
    main = [error("AttributeError", "'NoneType' object has no attribute 'id'") for _ in range(3)]
    return [*ordinary, *levels, hostile, message, *main]


@dataclass
class Site:
    base: str
    house: House
    cookie: str
    http: httpx.AsyncClient

    async def issue(self, text: str) -> str:
        """The address of the issue whose title has this text."""
        found = await self.http.get("/api/v1/projects/1/issues", params={"query": text})
        return f"/issues/{found.json()['items'][0]['id']}"


@asynccontextmanager
async def served(data_dir: Path) -> AsyncIterator[tuple[str, House]]:
    """An empty Bugwatch behind a real socket: its address, and the house."""
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    async with open_house(Config.model_validate({"data_dir": data_dir, "port": port})) as house, working(house):
        Sanic.test_mode = True
        async with answering(create(house), sock):
            yield f"http://127.0.0.1:{port}", house


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A server with some projects, the events of one, and Mara, who is signed in."""
    async with (
        served(tmp_path / "data") as (base, house),
        httpx.AsyncClient(base_url=base, timeout=30, trust_env=False) as http,
    ):
        mara = await house.accounts.create_user(
            "mara@example.test", "a quiet room with a view", Role.OWNER, name="Mara"
        )
        made = await house.projects.create("Checkout", "python")
        await house.projects.create("Wardrobe", "python")
        await house.projects.create(HOSTILE_NAME, "other")
        key = made.dsn.split("//")[1].split("@")[0]
        for event in events():
            path = f"/api/{made.project.id}/store/"
            (await http.post(path, params={"sentry_key": key}, content=json.dumps(event))).raise_for_status()
        for release in (HOSTILE + "x" * 120, ""):
            await make.bundle(
                house.db, made.project.id, files=[make.artifact(0, b"x")], release=release, dist=release[:64]
            )
        here = Client("127.0.0.1", "Chromium")
        pair = await house.sessions.open_pair(mara.id, here)
        http.headers["Authorization"] = f"Bearer {pair.access_token}"
        yield Site(base, house, await house.sessions.open(mara.id, here), http)


async def links(site: Site) -> tuple[str, str]:
    """The paths of an invitation and of a link that sets a new password, both for somebody with a long address."""
    long = "bartholomew.featherstonehaugh@subsidiary.example-company.test"
    caller = await site.house.sessions.caller_of(site.http.headers["Authorization"].removeprefix("Bearer "))
    home = min(caller.roles)
    bart = await site.house.accounts.create_user(long, "a quiet room with a view", Role.MEMBER)
    invitation, _ = await site.house.members.invite(caller, home, Role.ADMIN, f"another.{long}", 7)
    reset = await site.house.members.reset_link(caller, home, bart.id)
    return invitation.removeprefix(site.base), reset.removeprefix(site.base)


async def test_pages_hold_in_a_real_browser(site: Site) -> None:
    """Set BUGWATCH_SHOTS to a folder to keep a picture of every page, BUGWATCH_LOOKS to look at all in every way."""
    issue, hostile = await site.issue("AttributeError"), await site.issue("onerror")
    invitation, reset = await links(site)

    await run(
        "check.mjs",
        base=site.base,
        cookie=site.cookie,
        issue=issue,
        project="/projects/1",
        isThorough=bool(os.environ.get("BUGWATCH_LOOKS")),
        pages={
            "issues": "/issues",
            "filtered": "/issues?query=zebra&environment=production&level=error",
            "issue": issue,
            "hostile": hostile,
            "message": await site.issue("xxxx"),
            "events": f"{issue}/events",
            "tags": f"{hostile}/tags",
            "grouping": f"{hostile}/grouping",
            "rules": "/projects/1/grouping",
            "unconnected": "/issues?project=wardrobe",
            "projects": "/projects",
            "new-project": "/projects/new",
            "project": "/projects/2",
            "project-hostile": "/projects/3",
            "keys": "/projects/1/keys",
            "source-maps": "/projects/1/source-maps",
            "ledger": "/projects/1/ledger",
            "settings": "/projects/3/settings",
            "account": "/account",
            "members": "/members",
            "help": "/help",
            **{f"help-{topic}": f"/help/{topic}" for topic in topics()},
        },
        strangers={"login": "/login", "forgot": "/forgot", "invitation": invitation, "reset": reset},
    )


async def test_the_first_minutes_need_no_mouse(tmp_path: Path) -> None:
    async with served(tmp_path / "data") as (base, house):
        token = await house.accounts.setup_token()

        await run("first_run.mjs", base=base, setup=f"/setup?token={token}")


async def run(script: str, **given: object) -> None:
    given |= {"chrome": CHROME, "shots": os.environ.get("BUGWATCH_SHOTS", "")}
    node = await asyncio.create_subprocess_exec(
        "node",
        script,
        json.dumps(given),
        cwd=HERE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await node.communicate()

    assert node.returncode == 0, said.decode()
