"""Who may do what with which project: Alice owns, Bob is a member, Charlie may not. On both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bugwatch.domain.account import Account, Caller, Role, Verb, may, scopes_of
from bugwatch.domain.errors import Forbidden, Invalid, NotFound
from bugwatch.services.permissions import Permissions, organization_for, require
from bugwatch.storage import accounts, projects
from bugwatch.storage.database import Database, Tx


class House:
    """An organization with three projects: one open to all, one for Bob, one for nobody below admin."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.permissions = Permissions(db)

    async def build(self) -> None:
        async def work(tx: Tx) -> None:
            self.home = await projects.add_organization(tx, "home", "Home")
            self.elsewhere = await projects.add_organization(tx, "elsewhere", "Elsewhere")
            self.owner = await accounts.add(tx, "alice@example.com", "Alice", "x")
            self.admin = await accounts.add(tx, "dora@example.com", "Dora", "x")
            self.bob = await accounts.add(tx, "bob@example.com", "Bob", "x")
            self.charlie = await accounts.add(tx, "charlie@example.com", "Charlie", "x")
            for account, role in ((self.owner, Role.OWNER), (self.admin, Role.ADMIN), (self.bob, Role.MEMBER)):
                await accounts.join(tx, self.home, account.id, role)
            await accounts.join(tx, self.elsewhere, self.charlie.id, Role.OWNER)
            self.open = await projects.add(tx, self.home, "open", "Open", "python")
            self.bobs = await projects.add(tx, self.home, "bobs", "Bobs", "python")
            self.closed = await projects.add(tx, self.home, "closed", "Closed", "python")
            await accounts.set_project_members(tx, self.bobs.id, [self.bob.id])
            await accounts.set_project_members(tx, self.closed.id, [self.admin.id])

        await self.db.write(work)

    async def caller(self, account: Account, *scopes: str) -> Caller:
        async with self.db.read() as tx:
            return Caller(account, await accounts.roles(tx, account.id), scopes_of(scopes) if scopes else None)

    async def seen(self, account: Account, *scopes: str) -> list[str]:
        return [project.name for project in await self.permissions.projects(await self.caller(account, *scopes))]


@pytest.fixture
async def house(db: Database) -> House:
    built = House(db)
    await built.build()
    return built


async def test_members_see_what_is_open_and_what_names_them(house: House) -> None:
    assert await house.seen(house.owner) == ["Bobs", "Closed", "Open"]
    assert await house.seen(house.admin) == ["Bobs", "Closed", "Open"]
    assert await house.seen(house.bob) == ["Bobs", "Open"]
    assert await house.seen(house.charlie) == []


@pytest.mark.parametrize("verb", Verb)
async def test_every_verb_on_a_project_follows_the_table(house: House, verb: Verb) -> None:
    for account, role in ((house.owner, Role.OWNER), (house.admin, Role.ADMIN), (house.bob, Role.MEMBER)):
        caller = await house.caller(account)
        if may(role, verb):
            assert await house.permissions.project(caller, verb, house.open.id) == house.open
        else:
            with pytest.raises(Forbidden):
                await house.permissions.project(caller, verb, house.open.id)


@pytest.mark.parametrize("verb", Verb)
async def test_what_somebody_may_not_see_does_not_exist(house: House, verb: Verb) -> None:
    bob, charlie = await house.caller(house.bob), await house.caller(house.charlie)
    for caller, project in ((bob, house.closed), (charlie, house.open), (charlie, house.bobs)):
        with pytest.raises(NotFound):
            await house.permissions.project(caller, verb, project.id)


@pytest.mark.parametrize("project_id", [0, -1, 999_999, 2**63 - 1, 2**63, 10**40])
async def test_a_number_that_is_no_project_is_not_found(house: House, project_id: int) -> None:
    with pytest.raises(NotFound):
        await house.permissions.project(await house.caller(house.owner), Verb.PROJECT_READ, project_id)


async def test_a_project_that_is_being_deleted_is_gone_at_once(house: House) -> None:
    async def delete(tx: Tx) -> None:
        await tx.run("UPDATE projects SET deleted_at = :now WHERE id = :id", now=tx.now, id=house.open.id)

    await house.db.write(delete)

    assert await house.seen(house.owner) == ["Bobs", "Closed"]
    with pytest.raises(NotFound):
        await house.permissions.project(await house.caller(house.owner), Verb.PROJECT_READ, house.open.id)


async def test_a_tokens_scopes_limit_what_is_done_not_what_is_seen(house: House) -> None:
    assert await house.seen(house.owner, "project:read") == ["Bobs", "Closed", "Open"]
    assert await house.seen(house.owner, "event:read") == []
    reader = await house.caller(house.owner, "event:read")
    project = await house.permissions.project(reader, Verb.EVENT_READ, house.closed.id)
    assert project.id == house.closed.id
    with pytest.raises(Forbidden):
        await house.permissions.project(reader, Verb.EVENT_WRITE, house.closed.id)


async def test_a_member_with_every_scope_is_still_a_member(house: House) -> None:
    with pytest.raises(Forbidden):
        await house.permissions.project(await house.caller(house.bob, "admin"), Verb.EVENT_ADMIN, house.open.id)


async def test_a_project_is_open_again_only_when_somebody_says_so(house: House) -> None:
    await house.db.write(lambda tx: accounts.leave(tx, house.home, house.admin.id))
    assert "Closed" not in await house.seen(house.bob), "though the last one it named has left"
    await house.db.write(lambda tx: accounts.set_project_members(tx, house.closed.id, []))
    assert "Closed" not in await house.seen(house.bob)

    await house.db.write(lambda tx: accounts.set_project_members(tx, house.closed.id, None))

    assert "Closed" in await house.seen(house.bob)


async def test_the_organization_that_is_meant(house: House) -> None:
    owner = await house.caller(house.owner)
    both = replace(owner, roles={**owner.roles, house.elsewhere: Role.MEMBER})

    assert organization_for(owner, Verb.PROJECT_WRITE) == house.home
    assert organization_for(both, Verb.PROJECT_WRITE) == house.home  # the only one where they may
    with pytest.raises(Invalid):
        organization_for(both, Verb.PROJECT_READ)
    assert organization_for(both, Verb.PROJECT_READ, house.elsewhere) == house.elsewhere
    with pytest.raises(Forbidden):
        organization_for(await house.caller(house.bob), Verb.PROJECT_WRITE)
    with pytest.raises(NotFound):
        require(owner, Verb.PROJECT_READ, house.elsewhere)
