"""The whole product on Postgres, also with two instances that share one database."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.journeys.conftest import PATIENCE_S, SOURCE, Start
from tests.journeys.operator import new_project

pytestmark = [pytest.mark.journey, pytest.mark.postgres, pytest.mark.slow]

APP = """
import sys, sentry_sdk
sentry_sdk.init(sys.argv[1], release="shop@1.0")
try:
    {}["id"]
except KeyError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.flush()
"""


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_two_instances_on_one_database_count_every_event_once(start: Start, tmp_path: Path, postgres_url: str) -> None:
    settings = {"BUGWATCH_DATABASE_URL": postgres_url, "BUGWATCH_SECRET_KEY": "k" * 40, "BUGWATCH_RATE_LIMIT": "0"}
    project = new_project(SOURCE, tmp_path / "cli", **settings)
    instances = [start(data_dir=tmp_path / name, **settings) for name in ("one", "two")]
    names = [uuid.uuid4().hex for _ in range(60)]

    async def send() -> list[int]:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:

            async def post(url: str, name: str) -> int:
                path = f"{url}/api/{project['id']}/envelope/?sentry_key={project['key']}"
                event = f'{{"exception": {{"values": [{{"type": "Error{name[0]}", "value": "x"}}]}}}}'
                body = f'{{"event_id": "{name}"}}\n{{"type": "event"}}\n{event}'
                return (await http.post(path, content=body)).status_code

            return await asyncio.gather(*(post(bw.url, name) for name in names for bw in instances))

    assert set(asyncio.run(send())) == {200}

    # An instance that is killed takes nothing with it, and the other goes on.
    instances[0].end(9)
    dsn = project["dsn"].replace(httpx.URL(project["dsn"]).netloc.decode().rpartition("@")[2], instances[1].url[7:])
    subprocess.run([sys.executable, "-c", APP, dsn], check=True, timeout=60)
    assert instances[1].end() == 0

    # On a slow machine it had acknowledged some that waited in the spool: whoever takes its place has them.
    again = start(data_dir=tmp_path / "one", **settings)
    deadline = time.monotonic() + PATIENCE_S
    while rows(postgres_url, "SELECT 1 FROM spool") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert again.end() == 0

    booked = dict(rows(postgres_url, "SELECT outcome, SUM(count)::int FROM ledger GROUP BY outcome"))
    assert booked == {"received": 121, "stored": 61, "duplicate": 60}
    counts = rows(postgres_url, "SELECT SUM(event_count)::int, COUNT(*) FROM issues")
    assert counts == [(61, len({name[0] for name in names}) + 1)]
    titles = [title for (title,) in rows(postgres_url, "SELECT title FROM issues")]
    assert "KeyError: 'id'" in titles
