"""The first minutes with a browser, and strangers who would like to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.conftest import PASSWORD, People, form_token, submit

if TYPE_CHECKING:
    from bugwatch.domain.account import Account
    from tests.server.conftest import Serve, Server

MARA = {"email": "mara@example.com", "name": "Mara", "password": PASSWORD}


async def test_from_the_printed_link_to_the_first_project(server: Server) -> None:
    token = await server.house.accounts.setup_token()

    made = await submit(server.http, f"/setup?token={token}", "/setup", token=token, **MARA)
    assert made.headers["Location"] == "/setup/instance"
    assert server.url in (await server.http.get("/setup/instance")).text  # the address is filled in
    placed = await submit(server.http, "/setup/instance", url="http://bugs.lan:8470", time_zone="Europe/Berlin")
    assert placed.headers["Location"] == "/setup/project"
    named = await submit(server.http, "/setup/project", name="Shop", platform="python")

    assert named.status_code == 200
    assert "bw_live_" in named.text  # the API key, this once
    mara = (await server.house.accounts.list())[0]
    assert (mara.email, mara.name) == ("mara@example.com", "Mara")
    (project,) = await server.house.permissions.projects(await People(server).caller(mara))
    assert (project.name, project.platform) == ("Shop", "python")
    assert server.house.site.url == "http://bugs.lan:8470"


@pytest.mark.parametrize("token", ["", "guessed", "\x00", "é", "x" * 5_000])
async def test_a_stranger_without_the_link_sees_no_form_and_makes_nothing(server: Server, token: str) -> None:
    await server.house.accounts.setup_token()
    page = await server.http.get("/login")

    shown = await server.http.get("/setup", params={"token": token})
    posted = await server.http.post("/setup", data={"token": token, "csrf": form_token_of(page.text), **MARA})

    assert shown.status_code == 403
    assert "<form" not in shown.text
    assert posted.status_code == 403
    assert await server.house.accounts.list() == []


def form_token_of(page: str) -> str:
    """From the head of a page: also where there is no form."""
    return page.split('name="csrf" content="')[1].split('"')[0]


async def test_a_mistake_is_shown_at_its_field_and_nothing_is_lost(server: Server) -> None:
    token = await server.house.accounts.setup_token()

    answer = await submit(
        server.http, f"/setup?token={token}", "/setup", token=token, **{**MARA, "password": "password123"}
    )

    assert answer.status_code == 400
    assert "first that people try" in answer.text
    assert 'value="mara@example.com"' in answer.text
    assert "password123" not in answer.text
    assert form_token(answer.text)


async def test_once_there_is_an_account_the_set_up_leads_to_the_login(server: Server, alice: Account) -> None:
    answer = await server.http.get("/setup?token=any")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


@pytest.mark.parametrize(
    "url", ["ftp://x", "javascript:alert(1)", "http://", "http://x/path", "http://x y", "http://x:port", "x" * 500]
)
async def test_an_address_that_is_none_is_refused(server: Server, people: People, alice: Account, url: str) -> None:
    http = await people.browser(alice)

    answer = await submit(http, "/setup/instance", url=url, time_zone="UTC")

    assert answer.status_code == 400
    assert server.house.site.url == server.url


async def test_what_the_configuration_fixes_stays(serve: Serve) -> None:
    server = await serve(base_url="http://bugs.example.com")
    people = People(server)
    http = await people.browser(await people.alice())
    page = await http.get("/setup/instance")
    assert "Set by BUGWATCH_BASE_URL." in page.text

    answer = await http.post(
        "/setup/instance", data={"csrf": form_token(page.text), "url": "http://evil.example", "time_zone": "UTC"}
    )

    assert answer.status_code == 400
    assert server.house.site.url == "http://bugs.example.com"


async def test_only_owners_of_the_first_organization_set_the_instance(server: Server, people: People) -> None:
    bob, charlie = await people.browser(await people.bob()), await people.browser(await people.charlie())

    assert (await bob.get("/setup/instance")).status_code == 403
    assert (await charlie.get("/setup/instance")).status_code == 404
    assert (await server.http.get("/setup/instance")).status_code == 303  # a stranger signs in first


async def test_an_https_address_that_is_not_reached_yet_locks_nobody_out(
    server: Server, people: People, alice: Account
) -> None:
    http = await people.browser(alice)
    await submit(http, "/setup/instance", url="https://bugs.example.com", time_zone="UTC")

    assert (await http.get("/account")).status_code == 200
