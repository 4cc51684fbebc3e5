"""Signing in and out with a browser, and what another site would try with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from bugwatch.domain.clock import DAY
from bugwatch.services.sessions import ABSOLUTE, IDLE
from tests.server.conftest import PASSWORD, People, form_token, submit

if TYPE_CHECKING:
    from bugwatch.domain.account import Account
    from tests.conftest import FakeClock
    from tests.server.conftest import Serve, Server

ALICE = {"email": "alice@example.com", "password": PASSWORD}


async def sign_in(http: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await submit(http, "/login", **{**ALICE, **fields})


async def test_signing_in_and_out(server: Server, alice: Account) -> None:
    signed_in = await sign_in(server.http)
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/")
    assert (await server.http.get("/account")).status_code == 200
    cookie = server.http.cookies["bugwatch"]

    signed_out = await submit(server.http, "/account", "/logout")
    assert signed_out.headers["Location"] == "/login"

    server.http.cookies.set("bugwatch", cookie)  # whoever kept the cookie has nothing
    assert (await server.http.get("/account")).status_code == 303


async def test_a_page_that_needs_somebody_comes_after_signing_in(server: Server, alice: Account) -> None:
    asked = await server.http.get("/account?tab=tokens")
    assert asked.headers["Location"] == "/login?next=%2Faccount%3Ftab%3Dtokens"

    page = await server.http.get(asked.headers["Location"])
    answer = await server.http.post(
        "/login", data={"csrf": form_token(page.text), "next": "/account?tab=tokens", **ALICE}
    )

    assert answer.headers["Location"] == "/account?tab=tokens"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/account\r\nSet-Cookie: a=b",
    ],
)
async def test_signing_in_leads_to_our_own_pages_only(server: Server, alice: Account, path: str) -> None:
    posted = await sign_in(server.http, next=path)
    already = await server.http.get("/login", params={"next": path})

    assert posted.headers["Location"] == already.headers["Location"] == "/"
    assert "a=b" not in posted.headers.get("Set-Cookie", "")


async def test_wrong_and_unknown_look_the_same(server: Server, alice: Account) -> None:
    wrong = await sign_in(server.http, password="not the password")
    unknown = await sign_in(server.http, email="nobody@example.com")

    assert wrong.status_code == unknown.status_code == 401

    def without_token(answer: httpx.Response) -> str:
        page = answer.text.replace(form_token(answer.text), "").replace("nobody@", "alice@")
        return page[page.index("<main") :]

    assert without_token(wrong) == without_token(unknown)


async def test_waiting_is_announced_with_its_time(server: Server, alice: Account) -> None:
    for _ in range(5):
        await sign_in(server.http, password="a wrong guess")

    answer = await sign_in(server.http)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert "Try again in a second." in answer.text
    assert "bugwatch" not in answer.headers.get("Set-Cookie", "")


async def test_strangers_who_hammer_an_account_do_not_keep_its_owner_out(server: Server, alice: Account) -> None:
    """The browser that signed in before counts on its own."""
    await sign_in(server.http)
    await submit(server.http, "/account", "/logout")
    stranger = server.client()
    for _ in range(7):
        last = await sign_in(stranger, password="a wrong guess")
    assert last.status_code == 429

    assert (await sign_in(server.http)).status_code == 303


async def test_a_forged_device_counts_as_a_stranger(server: Server, alice: Account) -> None:
    for n in range(6):
        stranger = server.client(cookies={"bugwatch-device": f"{n}.{'0' * 64}"})
        last = await sign_in(stranger, password="a wrong guess")

    assert last.status_code == 429


async def test_signing_in_always_makes_a_new_session(server: Server, alice: Account) -> None:
    """Session fixation: a cookie that somebody planted does not become the session of who signs in."""
    page = await server.http.get("/login")
    server.http.cookies.set("bugwatch", "planted")

    answer = await server.http.post("/login", data={"csrf": form_token(page.text), **ALICE})

    assert answer.status_code == 303
    assert "planted" not in answer.headers["Set-Cookie"]
    assert await server.house.sessions.find("planted", "") is None


async def test_a_session_ends_when_idle_and_after_ninety_days(server: Server, alice: Account, clock: FakeClock) -> None:
    await sign_in(server.http)
    idle = server.client(cookies=dict(server.http.cookies))
    started = clock.now

    clock.now += IDLE - 1
    assert (await server.http.get("/account")).status_code == 200
    while clock.now + 7 * DAY < started + ABSOLUTE:
        clock.now += 7 * DAY
        assert (await server.http.get("/account")).status_code == 200
    clock.now = started + ABSOLUTE
    assert (await server.http.get("/account")).status_code == 303
    assert (await idle.get("/account")).status_code == 303


async def test_a_session_that_nobody_used_for_two_weeks_has_ended(
    server: Server, alice: Account, clock: FakeClock
) -> None:
    await sign_in(server.http)
    clock.now += IDLE

    assert (await server.http.get("/account")).status_code == 303


# Other sites


async def test_a_form_without_our_token_is_refused(server: Server, alice: Account) -> None:
    await server.http.get("/login")

    for csrf in ("", "x", "0" * 64, "é" * 64):
        answer = await server.http.post("/login", data={"csrf": csrf, **ALICE})
        assert answer.status_code == 403
    assert (await server.http.post("/login", data=ALICE)).status_code == 403


async def test_somebody_elses_token_is_no_good(server: Server, people: People, alice: Account) -> None:
    """Login CSRF: the attacker has a token of his own, but not the victim's cookie."""
    attacker, victim = server.client(), server.client()
    token = form_token((await attacker.get("/login")).text)
    await victim.get("/login")
    assert (await victim.post("/login", data={"csrf": token, **ALICE})).status_code == 403

    signed_in, bob = await people.browser(alice), await people.browser(await people.bob())
    token = form_token((await bob.get("/account")).text)
    assert (await signed_in.post("/account", data={"csrf": token, "name": "Mallory"})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_post_from_another_site_is_refused_even_with_a_token(
    server: Server, alice: Account, headers: dict[str, str]
) -> None:
    page = await server.http.get("/login")

    answer = await server.http.post("/login", data={"csrf": form_token(page.text), **ALICE}, headers=headers)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers or "bugwatch=" not in answer.headers["Set-Cookie"]


async def test_a_post_from_our_own_page_passes(server: Server, alice: Account) -> None:
    page = await server.http.get("/login")
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}

    answer = await server.http.post("/login", data={"csrf": form_token(page.text), **ALICE}, headers=headers)

    assert answer.status_code == 303


async def test_the_token_is_another_one_on_each_page(server: Server, alice: Account) -> None:
    pages = [await server.http.get("/login") for _ in range(2)]

    assert form_token(pages[0].text) != form_token(pages[1].text)


# Cookies and headers


async def test_over_http_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server: Server, alice: Account) -> None:
    cookies = (await sign_in(server.http)).headers.get_list("Set-Cookie")
    (session,) = [cookie for cookie in cookies if cookie.startswith("bugwatch=")]

    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Path=/;" in session
    assert "Secure" not in session
    assert "Domain" not in session


async def test_over_https_the_cookie_belongs_to_this_host_alone(serve: Serve) -> None:
    server = await serve(base_url="https://bugs.example.com")
    await server.house.accounts.create_user(**ALICE)
    page = await server.http.get("/login")
    visitor = page.headers["Set-Cookie"].partition(";")[0]

    answer = await server.http.post(
        "/login", data={"csrf": form_token(page.text), **ALICE}, headers={"Cookie": visitor}
    )

    (session,) = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith("__Host-bugwatch=")]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(session.split("; "))
    assert "Domain" not in session
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    stored = session.partition(";")[0]
    assert (await server.client().get("/account", headers={"Cookie": stored})).status_code == 200
    plain = stored.removeprefix("__Host-")
    assert (await server.client().get("/account", headers={"Cookie": plain})).status_code == 303


async def test_below_a_base_path_everything_stays_below_it(serve: Serve) -> None:
    server = await serve(base_url="https://example.com/bw")
    await server.house.accounts.create_user(**ALICE)
    http = server.client()
    http.base_url = httpx.URL(server.url.removesuffix("/bw"))
    page = await http.get("/bw/login")

    answer = await http.post(
        "/bw/login",
        data={"csrf": form_token(page.text), "next": "/account", **ALICE},
        headers={"Cookie": page.headers["Set-Cookie"].partition(";")[0]},
    )

    assert answer.headers["Location"] == "/bw/account"
    assert all("Path=/bw/;" in cookie for cookie in answer.headers.get_list("Set-Cookie"))
    assert not any(cookie.startswith("__Host-") for cookie in answer.headers.get_list("Set-Cookie"))


async def test_a_trusted_proxy_says_whether_it_is_https_and_nobody_else(serve: Serve) -> None:
    behind = await serve(trusted_proxies="127.0.0.1")
    await behind.house.accounts.create_user(**ALICE)
    answer = await behind.http.get("/login", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Set-Cookie"].startswith("__Host-")


async def test_without_a_trusted_proxy_nobody_is_believed(server: Server, alice: Account) -> None:
    answer = await server.http.get("/login", headers={"X-Forwarded-Proto": "https"})

    assert answer.headers["Set-Cookie"].startswith("bugwatch-visitor=")


async def test_pages_are_not_framed_kept_or_sniffed(server: Server, alice: Account) -> None:
    headers = (await server.http.get("/login")).headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
