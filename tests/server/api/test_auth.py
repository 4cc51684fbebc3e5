"""Signing up, in and out by the API, and what an attacker would try there. On both engines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest

from bugwatch.domain.account import Account, Role
from bugwatch.domain.clock import DAY, MINUTE
from bugwatch.services.sessions import ABSOLUTE, IDLE

if TYPE_CHECKING:
    from tests.conftest import FakeClock
    from tests.server.conftest import People, Serve, Server

AUTH = "/api/v1/auth"
ALICE = {"email": "alice@example.com", "password": "a quiet room with a view"}


async def sign_in(http: httpx.AsyncClient, **given: str) -> dict[str, str]:
    answer = await http.post(f"{AUTH}/login", json={**ALICE, **given})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


async def me(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})


# The journey


async def test_the_first_account_is_made_with_the_token_from_the_console_and_owns_the_house(server: Server) -> None:
    token = await server.house.accounts.setup_token()

    answer = await server.http.post(f"{AUTH}/signup", json={**ALICE, "setup_token": token, "name": "Alice"})

    assert answer.status_code == 201
    assert set(answer.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.json()["expires_in"] == 15 * 60
    who = (await me(server.http, answer.json()["access_token"])).json()
    assert who["email"] == "alice@example.com"
    assert who["name"] == "Alice"
    assert [home["role"] for home in who["organizations"]] == ["owner"]
    assert who["scopes"] is None


@pytest.mark.parametrize("given", [{}, {"setup_token": ""}, {"setup_token": "guessed"}])
async def test_without_the_token_nobody_claims_a_new_instance(server: Server, given: dict[str, str]) -> None:
    await server.house.accounts.setup_token()
    server.house.accounts.is_open = True  # open registration opens no empty house

    answer = await server.http.post(f"{AUTH}/signup", json={**ALICE, **given})

    assert answer.status_code == 403
    assert await server.house.accounts.list() == []


async def test_the_setup_token_works_once(server: Server) -> None:
    token = await server.house.accounts.setup_token()
    await server.http.post(f"{AUTH}/signup", json={**ALICE, "setup_token": token})

    again = await server.http.post(
        f"{AUTH}/signup", json={"email": "mallory@example.com", "password": "let me in as well", "setup_token": token}
    )

    assert again.status_code == 403
    assert [account.email for account in await server.house.accounts.list()] == ["alice@example.com"]
    assert await server.house.accounts.setup_token() is None


async def test_of_many_who_use_the_setup_token_at_once_one_gets_the_house(server: Server) -> None:
    token = await server.house.accounts.setup_token()

    answers = await asyncio.gather(
        *(
            server.http.post(
                f"{AUTH}/signup",
                json={"email": f"p{n}@example.com", "password": "a quiet room", "setup_token": token},
            )
            for n in range(5)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403, 403]
    assert len(await server.house.accounts.list()) == 1


async def test_a_restart_prints_a_new_setup_token_and_the_old_one_is_dead(server: Server) -> None:
    old = await server.house.accounts.setup_token()
    new = await server.house.accounts.setup_token()

    assert old
    assert not await server.house.accounts.is_setup_token(old)
    assert new
    assert await server.house.accounts.is_setup_token(new)


async def test_signing_up_needs_an_invitation_unless_registration_is_open(server: Server, alice: Account) -> None:
    answer = await server.http.post(f"{AUTH}/signup", json={"email": "eve@example.com", "password": "a quiet room"})

    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "New accounts need an invitation here. Ask whoever runs this Bugwatch for a link."
    )


async def test_where_registration_is_open_a_stranger_gets_a_house_of_their_own(serve: Serve, clock: FakeClock) -> None:
    server = await serve(open_registration=True)
    await server.house.accounts.create_user(**ALICE)
    secret = await server.house.projects.create("Secret")

    answer = await server.http.post(f"{AUTH}/signup", json={"email": "eve@example.com", "password": "a quiet room"})

    eve = await server.house.sessions.caller_of(answer.json()["access_token"])
    assert list(eve.roles.values()) == [Role.OWNER]
    assert secret.project.organization_id not in eve.roles
    assert await server.house.permissions.projects(eve) == []


async def test_an_invitation_brings_its_role_once(server: Server, people: People, alice: Account) -> None:
    owner = await people.caller(alice)
    (home,) = owner.roles
    link, was_mailed = await server.house.members.invite(owner, home, Role.ADMIN, "dora@example.com")
    invitation = link.rpartition("/")[2]
    dora = {"email": "dora@example.com", "password": "a quiet room", "invitation": invitation}

    foreign = await server.http.post(f"{AUTH}/signup", json={**dora, "email": "mallory@example.com"})
    joined = await server.http.post(f"{AUTH}/signup", json=dora)
    again = await server.http.post(f"{AUTH}/signup", json={**dora, "email": "eve@example.com"})

    assert not was_mailed
    assert foreign.status_code == 403
    assert joined.status_code == 201
    assert again.status_code == 404
    assert (await server.house.sessions.caller_of(joined.json()["access_token"])).roles == {home: Role.ADMIN}


async def test_an_invitation_runs_out(server: Server, people: People, alice: Account, clock: FakeClock) -> None:
    owner = await people.caller(alice)
    (home,) = owner.roles
    link, _ = await server.house.members.invite(owner, home, Role.MEMBER, days=7)
    clock.now += 7 * DAY

    answer = await server.http.post(
        f"{AUTH}/signup",
        json={"email": "dora@example.com", "password": "a quiet room", "invitation": link.rpartition("/")[2]},
    )

    assert answer.status_code == 404


# Tokens


async def test_an_access_token_is_good_for_fifteen_minutes(server: Server, alice: Account, clock: FakeClock) -> None:
    token = (await sign_in(server.http))["access_token"]

    clock.now += 15 * MINUTE - 1
    assert (await me(server.http, token)).status_code == 200
    clock.now += 1
    assert (await me(server.http, token)).status_code == 401


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(server: Server, alice: Account) -> None:
    first = await sign_in(server.http)

    second = (await server.http.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await me(server.http, second["access_token"])).status_code == 200

    reused = await server.http.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]})
    assert reused.status_code == 401
    after = await server.http.post(f"{AUTH}/refresh", json={"refresh_token": second["refresh_token"]})
    assert after.status_code == 401
    assert (await me(server.http, second["access_token"])).status_code == 401


async def test_of_many_who_use_a_refresh_token_at_once_one_gets_through(server: Server, alice: Account) -> None:
    token = (await sign_in(server.http))["refresh_token"]

    answers = await asyncio.gather(
        *(server.http.post(f"{AUTH}/refresh", json={"refresh_token": token}) for _ in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]


@pytest.mark.parametrize("token", ["", "bwr_", "bwr_.", ".", "x" * 900, "bwr_a.b", "ü.é", "\x00.\x00"])
async def test_a_refresh_token_that_is_none_is_refused(server: Server, token: str) -> None:
    assert (await server.http.post(f"{AUTH}/refresh", json={"refresh_token": token})).status_code == 401


async def test_a_session_ends_after_two_idle_weeks_and_after_ninety_days(
    server: Server, alice: Account, clock: FakeClock
) -> None:
    idle = (await sign_in(server.http))["refresh_token"]
    busy = (await sign_in(server.http))["refresh_token"]

    async def refresh(token: str) -> httpx.Response:
        return await server.http.post(f"{AUTH}/refresh", json={"refresh_token": token})

    started = clock.now
    while clock.now + IDLE // 2 < started + ABSOLUTE:
        clock.now += IDLE // 2
        busy = (await refresh(busy)).json()["refresh_token"]
    assert (await refresh(idle)).status_code == 401
    clock.now = started + ABSOLUTE
    assert (await refresh(busy)).status_code == 401


async def test_signing_out_ends_the_session_at_once(server: Server, alice: Account) -> None:
    one, other = await sign_in(server.http), await sign_in(server.http)

    left = await server.http.post(f"{AUTH}/logout", json={"refresh_token": one["refresh_token"]})
    bearer = {"Authorization": f"Bearer {other['access_token']}"}
    left_by_access_token = await server.http.post(f"{AUTH}/logout", headers=bearer)

    assert (left.status_code, left_by_access_token.status_code) == (204, 204)
    assert (await me(server.http, one["access_token"])).status_code == 401
    assert (await me(server.http, other["access_token"])).status_code == 401


def forged(**claims: object) -> dict[str, object]:
    return {"sub": "1", "sid": 1, "iat": 0, "exp": 4_000_000_000, **claims}


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(forged(), "", algorithm="none"),
        jwt.encode(forged(), "x" * 32, algorithm="HS256"),
        "eyJhbGciOiJub25lIn0.e30.",
        "a.b.c",
        "....",
        "bw_",
        "bw_live_abc",
        "bw_" + "A" * 36,
        "é" * 40,
    ],
)
async def test_a_forged_token_opens_nothing(server: Server, alice: Account, token: str) -> None:
    await sign_in(server.http)

    answer = await server.http.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}".encode()})

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


async def test_a_token_with_our_signature_and_broken_claims_opens_nothing(server: Server, alice: Account) -> None:
    key = server.house.secret.key("jwt")
    for claims in (forged(sid="x"), forged(exp="never"), forged(sid=None), {"sub": "1"}):
        answer = await me(server.http, jwt.encode(claims, key, algorithm="HS256"))

        assert answer.status_code == 401, claims


async def test_a_personal_token_works_until_it_is_revoked_and_runs_out(
    server: Server, alice: Account, clock: FakeClock
) -> None:
    tokens = server.house.tokens
    lasting = await tokens.create("alice@example.com", ["admin"], "CI")
    ending = await tokens.create("alice@example.com", ["event:read"], expires_at=clock.now + DAY)

    assert (await me(server.http, lasting)).json()["scopes"] is None
    assert (await me(server.http, ending)).json()["scopes"] == ["event:read"]
    clock.now += DAY
    assert (await me(server.http, ending)).status_code == 401
    used = next(token for token in await tokens.of_account(alice.id) if token.name == "CI")
    assert used.used_at == clock.now - DAY
    assert used.hint == lasting[-4:]
    await tokens.revoke(alice.id, used.id)
    assert (await me(server.http, lasting)).status_code == 401


# Guessing


async def test_a_wrong_email_and_a_wrong_password_get_the_same_answer_after_the_same_work(
    server: Server, alice: Account, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.bob()
    await server.house.accounts.disable("bob@example.com")
    passwords = server.house.sessions._passwords
    checked: list[str] = []
    verify = passwords._hasher.verify

    def count(password_hash: str, password: str) -> bool:
        checked.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return verify(password_hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(passwords._hasher, count))
    answers = [
        await server.http.post(f"{AUTH}/login", json=given)
        for given in (
            {**ALICE, "password": "not the password"},
            {**ALICE, "email": "nobody@example.com"},
            {**ALICE, "email": "bob@example.com"},
            {**ALICE, "email": "no email at all"},
            {**ALICE, "password": "x" * 1000},
            {**ALICE, "password": ""},
        )
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert len(checked) == len(answers)
    assert len(set(checked)) == 1, "the costs differ, and so would the time"


class Counting:
    """A hasher that reports each check."""

    def __init__(self, hasher: object, verify: object) -> None:
        self._hasher = hasher
        self.verify = verify

    def __getattr__(self, name: str) -> object:
        return getattr(self._hasher, name)


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
async def test_guessing_gets_slower_whether_or_not_there_is_an_account(
    server: Server, alice: Account, clock: FakeClock, email: str
) -> None:
    async def guess() -> httpx.Response:
        return await server.http.post(f"{AUTH}/login", json={"email": email, "password": "a wrong guess"})

    assert [(await guess()).status_code for _ in range(5)] == [401] * 5
    waits = []
    for _ in range(3):
        refused = await guess()
        assert refused.status_code == 429
        waits.append(int(refused.headers["Retry-After"]))
        clock.now += waits[-1] * 1000
        assert (await guess()).status_code == 401
    assert waits == [1, 2, 4]
    assert (await guess()).json()["detail"] == "Too many attempts. Try again in 8 seconds."


async def test_a_thousand_guesses_at_once_are_a_thousand(server: Server, alice: Account) -> None:
    answers = await asyncio.gather(
        *(server.http.post(f"{AUTH}/login", json={**ALICE, "password": f"guess number {n}"}) for n in range(20))
    )

    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_guessing_at_one_account_does_not_slow_another(server: Server, people: People) -> None:
    await people.bob()
    for _ in range(7):
        await server.http.post(f"{AUTH}/login", json={**ALICE, "password": "a wrong guess"})

    assert await sign_in(server.http, email="bob@example.com")


async def test_waiting_is_forgotten_after_a_quiet_hour(server: Server, alice: Account, clock: FakeClock) -> None:
    for _ in range(6):
        await server.http.post(f"{AUTH}/login", json={**ALICE, "password": "a wrong guess"})
    clock.now += 60 * MINUTE

    answers = [await server.http.post(f"{AUTH}/login", json={**ALICE, "password": "a wrong guess"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_an_own_account_does_not_buy_new_guesses_for_a_network(
    server: Server, alice: Account, people: People, clock: FakeClock
) -> None:
    await people.bob()

    async def guess_then_sign_in(n: int) -> int:
        answer = await server.http.post(
            f"{AUTH}/login", json={"email": f"victim{n}@example.com", "password": "a guess"}
        )
        if answer.status_code == 401:
            await server.http.post(f"{AUTH}/login", json={**ALICE, "email": "bob@example.com"})
        return answer.status_code

    answers = [await guess_then_sign_in(n) for n in range(22)]

    assert answers[-1] == 429


# Passwords


@pytest.mark.parametrize(
    "password",
    ["short", "Password123!", "1234567890", "alice@example.com", "qwertyuiop", "x" * 257, "aaaaaaaaaaaa"],
)
async def test_a_bad_password_is_refused_with_a_reason(server: Server, password: str) -> None:
    token = await server.house.accounts.setup_token()

    answer = await server.http.post(f"{AUTH}/signup", json={**ALICE, "password": password, "setup_token": token})

    assert answer.status_code == 400
    assert answer.json()["field"] == "password"
    assert answer.json()["detail"].endswith(".")


async def test_a_reset_link_sets_the_password_once_and_ends_all_sessions(server: Server, alice: Account) -> None:
    before = await sign_in(server.http)
    token = (await server.house.accounts.reset_link("alice@example.com")).rpartition("/")[2]
    new = {"token": token, "password": "another quiet room"}

    done = await server.http.post(f"{AUTH}/reset", json=new)
    again = await server.http.post(f"{AUTH}/reset", json={**new, "password": "yet another room"})

    assert (done.status_code, again.status_code) == (204, 404)
    assert (await me(server.http, before["access_token"])).status_code == 401
    assert await sign_in(server.http, password="another quiet room")


async def test_a_reset_link_is_good_for_an_hour(server: Server, alice: Account, clock: FakeClock) -> None:
    token = (await server.house.accounts.reset_link("alice@example.com")).rpartition("/")[2]
    clock.now += 60 * MINUTE

    answer = await server.http.post(f"{AUTH}/reset", json={"token": token, "password": "another quiet room"})

    assert answer.status_code == 404


async def test_a_refused_password_does_not_use_the_link_up(server: Server, alice: Account) -> None:
    token = (await server.house.accounts.reset_link("alice@example.com")).rpartition("/")[2]

    refused = await server.http.post(f"{AUTH}/reset", json={"token": token, "password": "short"})
    done = await server.http.post(f"{AUTH}/reset", json={"token": token, "password": "another quiet room"})

    assert (refused.status_code, done.status_code) == (400, 204)


async def test_asking_for_a_link_never_tells_whether_there_is_an_account(server: Server, alice: Account) -> None:
    answers = [
        await server.http.post(f"{AUTH}/forgot", json={"email": email})
        for email in ("alice@example.com", "nobody@example.com", "no email at all")
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b'{"email": 1, "password": 2}',
        b'{"email": null, "password": null}',
        b'{"email": {"$ne": ""}, "password": ["a"]}',
        b'{"email": "a@b.c", "password": "' + b"x" * 5_000 + b'"}',
        b'{"email": "\\ud800@b.c", "password": "x"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
async def test_a_body_of_another_shape_gets_a_sentence(server: Server, body: bytes) -> None:
    answer = await server.http.post(f"{AUTH}/login", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert "Traceback" not in answer.text


async def test_a_body_that_is_too_large_is_refused(server: Server) -> None:
    answer = await server.http.post(f"{AUTH}/login", content=b" " * (3 * 1024 * 1024))

    assert answer.status_code == 413


@pytest.mark.parametrize("email", ["\x00@example.com", "a\x00@b.c", "a@b.c\r\nBcc: x@y.z", "' OR 1=1 --", "a" * 999])
async def test_a_hostile_email_is_just_unknown(server: Server, alice: Account, email: str) -> None:
    answer = await server.http.post(f"{AUTH}/login", json={**ALICE, "email": email})

    assert answer.status_code == 401


async def test_the_api_says_that_its_answers_are_not_to_be_kept_or_framed(server: Server) -> None:
    answer = await server.http.get(f"{AUTH}/me")

    assert answer.status_code == 401
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Strict-Transport-Security" not in answer.headers
