"""Accounts by invitation and by open registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bugwatch.domain.account import Account, Role
from tests.server.conftest import PASSWORD, People, form_token, submit

if TYPE_CHECKING:
    from tests.server.conftest import Serve, Server

DORA = {"email": "dora@example.com", "name": "Dora", "password": PASSWORD}


@pytest.fixture
async def home(people: People, alice: Account) -> int:
    (home,) = (await people.caller(alice)).roles
    return home


async def invite(server: Server, people: People, home: int, email: str = "", role: Role = Role.MEMBER) -> str:
    """The path of an invitation."""
    link, _ = await server.house.members.invite(await people.caller(await people.alice()), home, role, email)
    return link.removeprefix(server.url)


async def test_a_stranger_follows_an_invitation_and_is_in(server: Server, people: People, home: int) -> None:
    path = await invite(server, people, home, role=Role.ADMIN)

    page = await server.http.get(path)
    joined = await submit(server.http, path, **DORA)

    assert "You are invited as an admin." in page.text
    assert joined.status_code == 303
    assert "dora@example.com" in (await server.http.get("/account")).text
    assert (await server.client().get(path)).status_code == 404


async def test_an_invitation_for_one_address_makes_no_account_for_another(
    server: Server, people: People, home: int
) -> None:
    path = await invite(server, people, home, "dora@example.com")

    await submit(server.http, path, **{**DORA, "email": "mallory@example.com"})

    assert [account.email for account in await server.house.accounts.list()] == [
        "alice@example.com",
        "dora@example.com",
    ]


async def test_who_has_an_account_joins_with_it(server: Server, people: People, home: int) -> None:
    charlie = await people.charlie()
    path = await invite(server, people, home)
    http = await people.browser(charlie)

    page = await http.get(path)
    joined = await http.post(path, data={"csrf": form_token(page.text)})

    assert "You are signed in as charlie@example.com." in page.text
    assert joined.status_code == 303
    assert (await people.caller(charlie)).roles[home] is Role.MEMBER


async def test_an_invitation_for_somebody_else_is_not_taken_by_who_is_signed_in(
    server: Server, people: People, home: int
) -> None:
    charlie = await people.charlie()
    path = await invite(server, people, home, "dora@example.com", Role.OWNER)
    http = await people.browser(charlie)

    answer = await submit(http, path)

    assert answer.status_code == 403
    assert home not in (await people.caller(charlie)).roles


async def test_registration_is_closed_unless_it_is_opened(server: Server, alice: Account) -> None:
    page = await server.http.get("/signup")
    login = await server.http.get("/login")

    answer = await server.http.post("/signup", data={"csrf": form_token(login.text), **DORA})

    assert "need an invitation" in page.text
    assert "<form" not in page.text
    assert answer.status_code == 403
    assert len(await server.house.accounts.list()) == 1


async def test_open_registration_shows_a_stranger_nothing_of_others(serve: Serve) -> None:
    server = await serve(open_registration=True)
    await People(server).alice()
    await server.house.projects.create("Secret")
    assert "Make an account" in (await server.http.get("/login")).text

    joined = await submit(server.http, "/signup", **DORA)

    assert joined.status_code == 303
    assert "Secret" not in (await server.http.get("/issues")).text


async def test_registration_cannot_be_flooded_from_one_network(serve: Serve) -> None:
    server = await serve(open_registration=True)
    await People(server).alice()
    page = await server.http.get("/signup")

    answers = [
        await server.http.post(
            "/signup", data={"csrf": form_token(page.text), **DORA, "email": "not an address", "name": str(n)}
        )
        for n in range(11)
    ]

    assert [answer.status_code for answer in answers] == [400] * 10 + [429]


@pytest.mark.parametrize("token", ["x", "é", "%00", "..%2F..", "x" * 2_000])
async def test_an_invitation_that_is_none_is_not_found(server: Server, alice: Account, token: str) -> None:
    assert (await server.http.get(f"/invitation/{token}")).status_code == 404
