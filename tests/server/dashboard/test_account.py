"""One's own account, and that it stays one's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.server.conftest import PASSWORD, form_token, submit

if TYPE_CHECKING:
    from bugwatch.domain.account import Account
    from tests.server.conftest import People, Server


async def test_a_new_name_is_kept_and_shown_as_text(server: Server, people: People, alice: Account) -> None:
    http = await people.browser(alice)

    await submit(http, "/account", name="<script>alert(1)</script>")

    page = (await http.get("/account")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(
    server: Server, people: People, alice: Account
) -> None:
    here, elsewhere, api = await people.browser(alice), await people.browser(alice), await people.api(alice)

    done = await submit(here, "/account", "/account/password", old_password=PASSWORD, password="another quiet room")

    assert done.status_code == 303
    assert (await here.get("/account")).status_code == 200
    assert (await elsewhere.get("/account")).status_code == 303
    assert (await api.get("/api/v1/auth/me")).status_code == 401


async def test_a_session_that_was_left_open_is_not_enough_to_change_the_password(
    server: Server, people: People, alice: Account
) -> None:
    http = await people.browser(alice)

    answers = [
        await submit(http, "/account", "/account/password", old_password=f"guess {n}", password="another quiet room")
        for n in range(11)
    ]

    assert [answer.status_code for answer in answers] == [400] * 10 + [429]
    assert "That is not your present password." in answers[0].text
    assert "another quiet room" not in answers[0].text


async def test_a_session_is_listed_and_ended(server: Server, people: People, alice: Account) -> None:
    here, elsewhere = await people.browser(alice), await people.browser(alice)
    await people.api(alice)
    page = await here.get("/account")
    (first, second) = re.findall(r"/account/sessions/(\d+)/end", page.text)

    ended = await here.post(f"/account/sessions/{second}/end", data={"csrf": form_token(page.text)})

    assert ended.status_code == 303
    assert (await elsewhere.get("/account")).status_code == 303
    assert (await here.get("/account")).status_code == 200
    assert first != second


async def test_all_other_sessions_end_at_once(server: Server, people: People, alice: Account) -> None:
    here, elsewhere, api = await people.browser(alice), await people.browser(alice), await people.api(alice)

    await submit(here, "/account", "/account/sessions/end")

    assert (await here.get("/account")).status_code == 200
    assert (await elsewhere.get("/account")).status_code == 303
    assert (await api.get("/api/v1/auth/me")).status_code == 401


async def test_nobody_ends_somebody_elses_session_or_token(server: Server, people: People, alice: Account) -> None:
    bob = await people.bob()
    http, victim = await people.browser(bob), await people.browser(alice)
    await server.house.tokens.create(alice.email, ["admin"])
    (session,) = await server.house.sessions.of_account(alice.id)
    (token,) = await server.house.tokens.of_account(alice.id)

    assert (await submit(http, "/account", f"/account/sessions/{session.id}/end")).status_code == 404
    assert (await submit(http, "/account", f"/account/tokens/{token.id}/revoke")).status_code == 404
    assert (await victim.get("/account")).status_code == 200
    assert await server.house.tokens.of_account(alice.id) == [token]


async def test_a_token_is_shown_once_works_and_is_revoked(server: Server, people: People, alice: Account) -> None:
    http = await people.browser(alice)

    made = await submit(
        http, "/account", "/account/tokens", token_name="CI", scope=["event:read", "project:read"], days="30"
    )
    token = re.search(r"bw_[0-9A-Za-z]{36}", made.text)
    assert token
    bearer = {"Authorization": f"Bearer {token[0]}"}
    assert (await server.http.get("/api/v1/auth/me", headers=bearer)).json()["scopes"] == ["event:read", "project:read"]

    page = (await http.get("/account")).text
    assert token[0] not in page
    revoke = re.search(r"/account/tokens/\d+/revoke", page)
    assert revoke
    await http.post(revoke[0], data={"csrf": form_token(page)})
    assert (await server.http.get("/api/v1/auth/me", headers=bearer)).status_code == 401


@pytest.mark.parametrize("scopes", [[], ["everything"], ["event:read", "nonsense"]])
async def test_a_token_without_good_scopes_is_not_made(
    server: Server, people: People, alice: Account, scopes: list[str]
) -> None:
    answer = await submit(await people.browser(alice), "/account", "/account/tokens", scope=scopes)

    assert answer.status_code == 400
    assert await server.house.tokens.of_account(alice.id) == []


async def test_a_disabled_account_is_out_at_once_everywhere(server: Server, people: People) -> None:
    bob = await people.bob()
    http, api = await people.browser(bob), await people.api(bob)
    token = await server.house.tokens.create(bob.email, ["admin"])

    await server.house.accounts.disable(bob.email)

    assert (await http.get("/account")).status_code == 303
    assert (await api.get("/api/v1/auth/me")).status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await server.http.get("/api/v1/auth/me", headers=bearer)).status_code == 401
    assert (await submit(server.http, "/login", email=bob.email, password=PASSWORD)).status_code == 401


async def test_a_token_cannot_open_pages(server: Server, alice: Account) -> None:
    token = await server.house.tokens.create(alice.email, ["admin"])

    answer = await server.http.get("/account", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 303
