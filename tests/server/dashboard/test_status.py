"""What stands on top of every page while something is wrong, and that it is gone when it is not."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

import pytest

from bugwatch.domain.account import Role
from bugwatch.services.ingest import Gear, Ingest
from bugwatch.services.pipeline import Pipeline
from tests.server.conftest import People, Serve, Server

if TYPE_CHECKING:
    import httpx

    from bugwatch.domain.account import Account
    from bugwatch.services.projects import Created

PAGES = ("/issues", "/projects", "/account", "/members", "/help", "/nowhere")


async def said(http: httpx.AsyncClient, path: str = "/issues") -> list[str]:
    """The sentences on top of a page."""
    page = (await http.get(path)).text
    return [html.unescape(found) for found in re.findall(r'<p class="status[^>]*>.*?<span>([^<]*)', page)]


async def send(server: Server, made: Created, message: str) -> int:
    key = made.dsn.split("//")[1].split("@")[0]
    path, body = f"/api/{made.project.id}/store/", json.dumps({"message": message})
    return (await server.client().post(path, params={"sentry_key": key}, content=body)).status_code


async def test_while_all_is_well_nothing_is_said(server: Server, people: People, alice: Account) -> None:
    http = await people.browser(alice)

    assert [await said(http, path) for path in PAGES] == [[]] * len(PAGES)


async def test_a_full_disk_is_told_on_every_page_and_to_nobody_outside(serve: Serve) -> None:
    server = await serve(disk_floor_mb=999_999_999)
    people = People(server)
    http = await people.browser(await people.bob())

    for path in PAGES:
        assert await said(http, path) == [
            "New events are refused: the disk has less than 999,999,999 MB left. Free some space. "
        ], path
    assert await said(server.client(), "/login") == []
    made = await server.house.projects.create("Shop")
    assert await send(server, made, "refused") == 429


async def test_events_that_wait_are_told(
    server: Server, people: People, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = await people.browser(alice)

    monkeypatch.setattr(Ingest, "gear", Gear.SPOOL)
    waiting = await said(http)
    monkeypatch.setattr(Ingest, "gear", Gear.SHED)
    refused = await said(http)

    assert waiting == ["Events are stored at once and digested a moment later: much is arriving."]
    assert refused == ["New events are refused: 512 MB of them wait to be digested, and those come first. "]


async def test_items_that_could_not_be_read_are_told_to_those_who_run_the_project(
    server: Server, people: People, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await server.house.projects.create("Shop")
    monkeypatch.setattr(Pipeline, "_make", lambda self, work: 1 / 0)
    for message in ("one", "two"):
        assert await send(server, made, message) == 200
    await server.house.ingest.look_around()

    admin = await people.browser(await people.bob(Role.ADMIN))
    for http in (admin, await people.browser(alice)):
        (sentence,) = await said(http)
        # The shop's two, and perhaps what Bugwatch reported about itself.
        assert re.match(r"[234] items could not be read\. They are kept, the log says why", sentence)
        assert 'href="/help/counting"' in (await http.get("/issues")).text
    charlie = await people.browser(await people.charlie())
    assert await said(charlie) == [], "nothing of his failed"


async def test_a_member_is_not_troubled_with_what_could_not_be_read(
    server: Server, people: People, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await server.house.projects.create("Shop")
    monkeypatch.setattr(Pipeline, "_make", lambda self, work: 1 / 0)
    await send(server, made, "one")
    await server.house.ingest.look_around()

    assert server.house.ingest.failed_count >= 1
    assert await said(await people.browser(await people.bob())) == []
