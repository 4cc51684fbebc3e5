"""Accounts as the operator handles them. On both engines."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from bugwatch import resources
from bugwatch.domain.account import Role
from bugwatch.domain.errors import Conflict, Invalid, NotFound, RateLimited, Unauthenticated
from bugwatch.domain.secret import Secret
from bugwatch.domain.site import Site
from bugwatch.services.accounts import Accounts
from bugwatch.services.instance import Instance
from bugwatch.services.mail import Mail
from bugwatch.services.passwords import Passwords
from bugwatch.services.sessions import Client, Sessions
from bugwatch.services.throttle import Throttle
from bugwatch.services.tokens import Tokens
from bugwatch.storage import accounts as rows
from bugwatch.storage.database import Database
from bugwatch.templates import Templates
from tests.conftest import FakeClock

PASSWORD = "a quiet room with a view"
CLIENT = Client("203.0.113.1", "test")


class People:
    def __init__(self, db: Database, clock: FakeClock, *, memory: int = 64) -> None:
        secret, site = Secret("x" * 32), Site("http://localhost:8470", is_fixed=False)
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=memory, parallelism=1))
        throttle = Throttle(db, secret)
        mail = Mail("", "", site, Templates(resources.web() / "templates"))
        self.db, self.site = db, site
        self.accounts = Accounts(db, site, passwords, throttle, mail)
        self.sessions = Sessions(db, clock, secret, passwords, throttle)
        self.tokens = Tokens(db)
        self.instance = Instance(db, site)

    async def roles(self, email: str) -> list[Role]:
        async with self.db.read() as tx:
            found = await rows.by_email(tx, email)
            assert found
            return list((await rows.roles(tx, found.account.id)).values())


@pytest.fixture
def people(db: Database, clock: FakeClock) -> People:
    return People(db, clock)


async def test_the_first_account_is_owner_whatever_is_said_and_later_ones_are_members(people: People) -> None:
    await people.accounts.create_user("alice@example.com", PASSWORD, Role.MEMBER)
    await people.accounts.create_user("bob@example.com", PASSWORD)
    await people.accounts.create_user("dora@example.com", PASSWORD, Role.ADMIN, name="Dora")

    assert await people.roles("alice@example.com") == [Role.OWNER]
    assert await people.roles("bob@example.com") == [Role.MEMBER]
    assert await people.roles("dora@example.com") == [Role.ADMIN]
    assert [account.name for account in await people.accounts.list()] == ["", "", "Dora"]


async def test_an_account_from_the_console_closes_the_set_up(people: People) -> None:
    token = await people.accounts.setup_token()
    assert token
    await people.accounts.create_user("alice@example.com", PASSWORD)

    assert not await people.accounts.is_setup_token(token)
    assert await people.accounts.setup_token() is None


async def test_an_email_has_one_account_however_it_is_written(people: People) -> None:
    await people.accounts.create_user("alice@example.com", PASSWORD)

    with pytest.raises(Conflict, match="already"):
        await people.accounts.create_user(" ALICE@Example.com ", PASSWORD)


async def test_a_bad_password_makes_no_account(people: People) -> None:
    with pytest.raises(Invalid):
        await people.accounts.create_user("alice@example.com", "password123")

    assert await people.accounts.list() == []


async def test_a_stronger_hash_replaces_the_old_one_when_somebody_signs_in(db: Database, clock: FakeClock) -> None:
    before, after = People(db, clock, memory=64), People(db, clock, memory=128)
    await before.accounts.create_user("alice@example.com", PASSWORD)

    await after.sessions.sign_in("alice@example.com", PASSWORD, CLIENT)

    async with db.read() as tx:
        found = await rows.by_email(tx, "alice@example.com")
    assert found
    assert "m=128," in found.password_hash
    assert (await after.sessions.sign_in("alice@example.com", PASSWORD, CLIENT)).email == "alice@example.com"


async def test_a_disabled_account_cannot_sign_in_until_it_is_enabled(people: People) -> None:
    await people.accounts.create_user("alice@example.com", PASSWORD)
    await people.accounts.create_user("bob@example.com", PASSWORD)
    await people.accounts.disable("bob@example.com")

    with pytest.raises(Unauthenticated):
        await people.sessions.sign_in("bob@example.com", PASSWORD, CLIENT)
    await people.accounts.enable("bob@example.com")
    assert await people.sessions.sign_in("bob@example.com", PASSWORD, CLIENT)


async def test_the_last_owner_cannot_be_disabled(people: People) -> None:
    await people.accounts.create_user("alice@example.com", PASSWORD)

    with pytest.raises(Conflict, match="only owner"):
        await people.accounts.disable("alice@example.com")


@pytest.mark.parametrize("email", ["nobody@example.com", "no email"])
async def test_who_is_not_there_is_said_so_to_the_operator(people: People, email: str) -> None:
    for attempt in (
        people.accounts.reset_link(email),
        people.accounts.set_password(email, PASSWORD),
        people.accounts.disable(email),
        people.accounts.enable(email),
        people.accounts.rename(email, "x"),
        people.tokens.create(email, ["admin"]),
    ):
        with pytest.raises((NotFound, Invalid)):
            await attempt


async def test_an_address_that_was_set_is_there_after_a_restart(db: Database, clock: FakeClock) -> None:
    before = People(db, clock)
    await before.instance.set("https://bugs.example.com", "Europe/Berlin")
    after = People(db, clock)

    await after.instance.load()

    assert (after.site.url, after.site.time_zone) == ("https://bugs.example.com", "Europe/Berlin")


async def test_waiting_survives_a_restart(db: Database, clock: FakeClock) -> None:
    before = People(db, clock)
    await before.accounts.create_user("alice@example.com", PASSWORD)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await before.sessions.sign_in("alice@example.com", "a wrong guess", CLIENT)

    with pytest.raises(RateLimited):
        await People(db, clock).sessions.sign_in("alice@example.com", PASSWORD, CLIENT)


async def test_no_secret_is_stored_as_it_is(people: People, db: Database) -> None:
    setup = await people.accounts.setup_token()
    account = await people.accounts.create_user("alice@example.com", PASSWORD)
    cookie = await people.sessions.open(account.id, CLIENT)
    pair = await people.sessions.open_pair(account.id, CLIENT)
    token = await people.tokens.create("alice@example.com", ["admin"])
    link = (await people.accounts.reset_link("alice@example.com")).rpartition("/")[2]
    halves = pair.refresh_token.removeprefix("bwr_").split(".")

    stored = ""
    async with db.read() as tx:
        for table in ("accounts", "sessions", "tokens", "password_links", "settings", "attempts"):
            stored += "".join(str(dict(row)) for row in await tx.all(f"SELECT * FROM {table}"))
    for secret in (PASSWORD, cookie, token, link, setup, *halves):
        assert secret
        assert secret not in stored
