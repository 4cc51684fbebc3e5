"""A forgotten password, with a real mail server and without one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.mailbox import mail_server
from tests.server.conftest import PASSWORD, People, form_token, submit

if TYPE_CHECKING:
    from bugwatch.domain.account import Account
    from tests.server.conftest import Serve, Server

NEW = "another quiet room"


async def test_a_mailed_link_sets_a_new_password_and_signs_in(serve: Serve) -> None:
    async with mail_server() as mailbox:
        server = await serve(smtp_url=mailbox.url)
        people = People(server)
        elsewhere = await people.browser(await people.alice())

        asked = await submit(server.http, "/forgot", email="Alice@example.com")
        await server.house.mail.settle()
        assert "a link is on its way" in asked.text
        assert mailbox.recipients == [["alice@example.com"]]
        link = re.search(r"http://\S+", mailbox.last().partition("hour:")[2])
        assert link
        done = await submit(server.http, link[0].removeprefix(server.url), password=NEW)

    assert done.status_code == 303
    assert (await server.http.get("/account")).status_code == 200
    assert (await elsewhere.get("/account")).status_code == 303
    assert (await submit(server.client(), "/login", email="alice@example.com", password=NEW)).status_code == 303
    assert (await submit(server.client(), "/login", email="alice@example.com", password=PASSWORD)).status_code == 401


async def test_a_stranger_learns_nothing_and_gets_no_mail(serve: Serve) -> None:
    async with mail_server() as mailbox:
        server = await serve(smtp_url=mailbox.url)
        people = People(server)
        await people.bob()
        await server.house.accounts.disable("bob@example.com")

        pages = [
            await submit(server.http, "/forgot", email=email)
            for email in ("alice@example.com", "nobody@example.com", "bob@example.com")
        ]
        await server.house.mail.settle()

    assert mailbox.recipients == [["alice@example.com"]]
    said = {re.sub(r"\w+@example.com", "·", page.text[page.text.index("<main") :]) for page in pages}
    assert len(said) == 1
    assert {page.status_code for page in pages} == {200}


async def test_asking_again_and_again_is_slowed_for_each_address_alike(serve: Serve) -> None:
    async with mail_server() as mailbox:
        server = await serve(smtp_url=mailbox.url)
        await People(server).alice()

        for email in ("alice@example.com", "nobody@example.com"):
            answers = [await submit(server.http, "/forgot", email=email) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        await server.house.mail.settle()

    assert len(mailbox.messages) == 3


async def test_a_dead_mail_server_changes_nothing_for_who_asks(serve: Serve) -> None:
    server = await serve(smtp_url="smtp://127.0.0.1:1")
    await People(server).alice()

    answer = await submit(server.http, "/forgot", email="alice@example.com")
    await server.house.mail.settle()

    assert answer.status_code == 200


async def test_without_a_mail_server_the_page_says_who_can_help(server: Server, alice: Account) -> None:
    page = await server.http.get("/forgot")

    assert "<form" not in page.text
    assert "bugwatch user reset-password" in page.text


async def test_a_link_from_the_console_works_the_same(server: Server, alice: Account) -> None:
    path = (await server.house.accounts.reset_link("alice@example.com")).removeprefix(server.url)

    refused = await submit(server.http, path, password="password123")
    done = await submit(server.http, path, password=NEW)

    assert refused.status_code == 400
    assert "first that people try" in refused.text
    assert done.status_code == 303
    assert (await server.client().get(path)).status_code == 404


async def test_a_newer_password_kills_older_links(server: Server, alice: Account) -> None:
    first, second = [
        (await server.house.accounts.reset_link("alice@example.com")).removeprefix(server.url) for _ in range(2)
    ]
    page = await server.http.get(first)

    await submit(server.http, second, password=NEW)

    assert (await server.client().get(first)).status_code == 404
    csrf = form_token((await server.http.get("/account")).text)
    assert (await server.http.post(first, data={"csrf": csrf, "password": NEW + "!"})).status_code == 404
    assert page.status_code == 200


async def test_a_link_of_a_disabled_account_is_dead(server: Server, people: People) -> None:
    bob = await people.bob()
    path = (await server.house.accounts.reset_link(bob.email)).removeprefix(server.url)
    await server.house.accounts.disable(bob.email)

    assert (await server.http.get(path)).status_code == 404


@pytest.mark.parametrize("token", ["x", "é", "%00", "x" * 2_000])
async def test_a_link_that_is_none_is_not_found(server: Server, alice: Account, token: str) -> None:
    assert (await server.http.get(f"/reset/{token}")).status_code == 404
