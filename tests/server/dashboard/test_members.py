"""Members, roles and invitations: Alice owns, Bob is a member, Charlie may not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bugwatch.domain.account import ROLES, Role
from tests.mailbox import mail_server
from tests.server.conftest import People, submit

if TYPE_CHECKING:
    from bugwatch.domain.account import Account
    from tests.server.conftest import Serve, Server


async def home_of(people: People, account: Account) -> int:
    return min((await people.caller(account)).roles)


async def test_the_page_shows_everybody_and_what_roles_may(server: Server, people: People) -> None:
    bob = await people.bob()

    page = (await (await people.browser(bob)).get("/members")).text

    assert "alice@example.com" in page
    assert "bob@example.com" in page
    for _roles, sentence in ROLES.values():
        assert sentence in page
    assert "Invite somebody" not in page
    assert "/members/1/role" not in page


async def test_an_owner_invites_by_a_link_to_pass_on(server: Server, people: People, alice: Account) -> None:
    http = await people.browser(alice)

    made = await submit(http, "/members", "/members/invite", email="dora@example.com", role="admin", days="1")

    link = re.search(re.escape(server.url) + r"/invitation/[\w-]+", made.text)
    assert link
    assert "You are invited as an admin." in (await server.client().get(link[0])).text
    page = (await http.get("/members")).text
    assert link[0] not in page
    withdraw = re.search(r"/members/invitations/\d+/withdraw", page)
    assert withdraw
    await submit(http, "/members", withdraw[0])
    assert (await server.client().get(link[0])).status_code == 404


async def test_an_invitation_is_mailed_where_there_is_a_mail_server(serve: Serve) -> None:
    async with mail_server() as mailbox:
        server = await serve(smtp_url=mailbox.url)
        people = People(server)
        http = await people.browser(await people.alice())

        made = await submit(http, "/members", "/members/invite", email="dora@example.com", role="member", days="7")
        mailbox.refused.add("gone@example.com")
        refused = await submit(http, "/members", "/members/invite", email="gone@example.com", role="member", days="7")

    assert mailbox.recipients == [["dora@example.com"]]
    assert mailbox.messages[0]["Subject"] == "Alice invites you to Bugwatch on Bugwatch"
    link = re.search(r"http://\S+/invitation/\S+", mailbox.last())
    assert link
    assert link[0] in made.text
    assert "It was mailed too." in made.text
    assert "/invitation/" in refused.text
    assert "It was mailed too." not in refused.text


@pytest.mark.parametrize(
    ("role", "as_role", "status"),
    [
        (Role.OWNER, "owner", 200),
        (Role.ADMIN, "owner", 403),
        (Role.ADMIN, "admin", 200),
        (Role.ADMIN, "member", 200),
        (Role.MEMBER, "member", 403),
        (Role.MEMBER, "owner", 403),
        (Role.OWNER, "emperor", 400),
    ],
)
async def test_nobody_invites_above_their_own_role(
    server: Server, people: People, role: Role, as_role: str, status: int
) -> None:
    bob = await people.bob(role)

    answer = await submit(await people.browser(bob), "/account", "/members/invite", role=as_role, days="7")

    assert answer.status_code == status


async def test_an_admin_changes_members_and_not_owners(server: Server, people: People) -> None:
    alice, bob = await people.alice(), await people.bob(Role.ADMIN)
    http = await people.browser(bob)

    for path in (f"/members/{alice.id}/role", f"/members/{alice.id}/remove", f"/members/{alice.id}/reset-link"):
        assert (await submit(http, "/members", path, role="member")).status_code == 403, path
    assert (await submit(http, "/members", f"/members/{bob.id}/role", role="owner")).status_code == 403
    assert set((await people.caller(alice)).roles.values()) == {Role.OWNER}


async def test_a_member_changes_nobody(server: Server, people: People) -> None:
    alice, bob = await people.alice(), await people.bob()
    http = await people.browser(bob)

    for path in (
        f"/members/{alice.id}/role",
        f"/members/{alice.id}/remove",
        f"/members/{alice.id}/reset-link",
        f"/members/{bob.id}/role",
        f"/members/{bob.id}/reset-link",
    ):
        assert (await submit(http, "/members", path, role="admin")).status_code == 403, path
    assert set((await people.caller(bob)).roles.values()) == {Role.MEMBER}


async def test_a_stranger_finds_nobody(server: Server, people: People) -> None:
    alice, charlie = await people.alice(), await people.charlie()
    home = await home_of(people, alice)
    http = await people.browser(charlie)

    assert (await http.get(f"/members?organization={home}")).status_code == 404
    for path in ("role", "remove", "reset-link"):
        fields = {"organization": str(home), "role": "member"}
        assert (await submit(http, "/account", f"/members/{alice.id}/{path}", **fields)).status_code == 404
        # In his own organization there is no Alice either.
        assert (await submit(http, "/account", f"/members/{alice.id}/{path}", role="member")).status_code == 404


async def test_the_last_owner_stays(server: Server, people: People) -> None:
    alice = await people.alice()
    http = await people.browser(alice)

    removed = await submit(http, "/members", f"/members/{alice.id}/remove")
    demoted = await submit(http, "/members", f"/members/{alice.id}/role", role="member")

    assert (removed.status_code, demoted.status_code) == (409, 409)
    assert "The last owner stays." in removed.text
    await people.bob(Role.OWNER)
    assert (await submit(http, "/members", f"/members/{alice.id}/remove")).status_code == 303
    assert (await people.caller(alice)).roles == {}


async def test_a_member_may_leave(server: Server, people: People) -> None:
    bob = await people.bob()

    left = await submit(await people.browser(bob), "/members", f"/members/{bob.id}/remove")

    assert left.status_code == 303
    assert (await people.caller(bob)).roles == {}


async def test_who_leaves_sees_no_project_any_more(server: Server, people: People, alice: Account) -> None:
    bob = await people.bob()
    await server.house.projects.create("Shop")
    assert len(await server.house.permissions.projects(await people.caller(bob))) == 1

    await submit(await people.browser(alice), "/members", f"/members/{bob.id}/remove")

    assert await server.house.permissions.projects(await people.caller(bob)) == []


async def test_an_owner_makes_a_link_for_somebody_who_forgot(server: Server, people: People, alice: Account) -> None:
    bob = await people.bob()

    made = await submit(await people.browser(alice), "/members", f"/members/{bob.id}/reset-link")

    link = re.search(re.escape(server.url) + r"/reset/[\w-]+", made.text)
    assert link
    assert "bob@example.com" in (await server.client().get(link[0])).text


async def test_a_link_opens_no_other_organization(server: Server, people: People, alice: Account) -> None:
    """Charlie owns a house of his own: that he is a member here must not let its owner take his account."""
    charlie = await people.charlie()
    home = await home_of(people, alice)
    link, _ = await server.house.members.invite(await people.caller(alice), home, Role.MEMBER)
    await server.house.members.accept(charlie, link.rpartition("/")[2])

    answer = await submit(await people.browser(alice), "/members", f"/members/{charlie.id}/reset-link")

    assert answer.status_code == 403


@pytest.mark.parametrize("organization", ["0", "-1", "x", "9" * 30, "\x00"])
async def test_an_unknown_organization_is_not_found(
    server: Server, people: People, alice: Account, organization: str
) -> None:
    http = await people.browser(alice)

    answer = await http.get("/members", params={"organization": organization})

    assert answer.status_code in (200, 404)
    assert answer.status_code == (404 if organization.isdecimal() else 200)
