"""Nothing is open by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugwatch.server.app import create
from bugwatch.server.auth import _MACHINES

if TYPE_CHECKING:
    from bugwatch.domain.account import Account
    from tests.server.conftest import People, Server

# Every route that a stranger may use: a longer list is a decision.
PUBLIC = {
    "GET /metrics",
    "GET /api/v1/openapi.json",
    "POST /api/v1/auth/signup",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/forgot",
    "POST /api/v1/auth/reset",
    "GET /setup",
    "POST /setup",
    "GET /login",
    "POST /login",
    "GET /signup",
    "POST /signup",
    "GET /invitation/<token:str>",
    "POST /invitation/<token:str>",
    "GET /forgot",
    "POST /forgot",
    "GET /reset/<token:str>",
    "POST /reset/<token:str>",
}


def routes(server: Server) -> dict[str, object]:
    """`GET /path` → handler, of all that is not for machines."""
    app = create(server.house)
    return {
        f"{method} /{route.path.strip('/')}": route.handler
        for route in app.router.routes
        for method in route.methods
        if not route.handler.__module__.startswith(_MACHINES) and method not in ("HEAD", "OPTIONS")
    }


async def test_the_list_of_what_is_public_is_complete(server: Server) -> None:
    found = {name for name, handler in routes(server).items() if getattr(handler, "is_public", False)}

    assert found == PUBLIC


async def test_a_stranger_gets_nowhere_else(server: Server, alice: Account) -> None:
    http, tried = server.http, 0
    for name in routes(server):
        if name in PUBLIC:
            continue
        method, _, path = name.partition(" ")
        address = "/".join("1" if part.startswith("<") else part for part in path.split("/"))
        answer = await http.request(method, address)
        tried += 1
        if path.startswith("/api/"):
            assert answer.status_code == 401, name
            assert answer.json()["code"] == "unauthenticated"
        elif method == "GET":
            assert answer.status_code == 303, name
            assert answer.headers["Location"].startswith("/login"), name
        else:
            assert answer.status_code == 403, name  # not even a form of ours
    assert tried > 20


async def test_a_signed_in_browser_still_needs_the_token_for_every_change(
    server: Server, people: People, alice: Account
) -> None:
    http = await people.browser(alice)
    for name in routes(server):
        method, _, path = name.partition(" ")
        if method == "GET" or (name in PUBLIC and path.startswith("/api/")):
            continue
        address = "/".join("1" if part.startswith("<") else part for part in path.split("/"))
        assert (await http.request(method, address)).status_code == 403, name


async def test_a_page_may_call_the_api_with_its_cookie_and_its_token(
    server: Server, people: People, alice: Account
) -> None:
    http = await people.browser(alice)
    page = await http.get("/account")
    csrf = page.text.split('name="csrf" content="')[1].split('"')[0]

    assert (await http.get("/api/v1/auth/me")).json()["email"] == "alice@example.com"
    made = await http.post("/api/v1/projects", json={"name": "Shop"}, headers={"X-CSRF-Token": csrf})
    refused = await http.post("/api/v1/projects", json={"name": "Other"})

    assert (made.status_code, refused.status_code) == (201, 403)


async def test_a_part_of_a_page_is_not_answered_with_a_redirect(server: Server, alice: Account) -> None:
    """htmx would put the login page into the list."""
    answer = await server.http.get("/issues", headers={"HX-Request": "true"})

    assert answer.status_code == 401


async def test_another_scheme_than_bearer_is_no_sign_in(server: Server, people: People, alice: Account) -> None:
    bearer = (await people.api(alice)).headers["Authorization"]
    for header in (bearer.replace("Bearer", "Basic"), bearer.replace("Bearer ", ""), "Bearer", "Basic YTpi"):
        assert (await server.http.get("/api/v1/auth/me", headers={"Authorization": header})).status_code == 401
    assert (
        await server.http.get("/api/v1/auth/me", headers={"Authorization": bearer.replace("Bearer", "bearer")})
    ).status_code == 200


async def test_an_expired_bearer_does_not_stop_somebody_from_getting_a_new_one(server: Server, alice: Account) -> None:
    answer = await server.http.post(
        "/api/v1/auth/login",
        json={"email": "alice@example.com", "password": "a quiet room with a view"},
        headers={"Authorization": "Bearer expired"},
    )

    assert answer.status_code == 200


async def test_an_unknown_page_keeps_the_sidebar_of_who_is_signed_in(
    server: Server, people: People, alice: Account
) -> None:
    known = await (await people.browser(alice)).get("/no/such/page")
    stranger = await server.http.get("/no/such/page")

    assert known.status_code == stranger.status_code == 404
    assert 'class="sidebar"' in known.text
    assert 'class="sidebar"' not in stranger.text
