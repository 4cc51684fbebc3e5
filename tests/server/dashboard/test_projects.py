"""The pages of projects: Alice owns, Bob is a member of her organization, Charlie is somebody else."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

import pytest

from bugwatch.domain.clock import DAY, HOUR
from bugwatch.domain.sdk_snippets import PLATFORMS, snippet
from tests.server.conftest import People, Server, form_token, submit

if TYPE_CHECKING:
    import httpx

    from bugwatch.domain.account import Account
    from bugwatch.services.projects import Created
    from tests.conftest import FakeClock

DSN = re.compile(r"http://([0-9a-f]{32})@[\w.:]+/(\d+)")
TABS = ("", "/keys", "/ledger", "/settings")


@pytest.fixture
async def http(people: People, alice: Account) -> httpx.AsyncClient:
    """Alice's browser."""
    return await people.browser(alice)


@pytest.fixture
async def shop(server: Server, alice: Account) -> Created:
    return await server.house.projects.create("Shop", "python")


async def send(server: Server, dsn: str, **event: object) -> int:
    """Send an error to a DSN; the status of the answer."""
    found = DSN.fullmatch(dsn)
    assert found
    answer = await server.client().post(
        f"/api/{found[2]}/store/", params={"sentry_key": found[1]}, content=json.dumps({"message": "no", **event})
    )
    return answer.status_code


def dsns(page: str) -> list[str]:
    return list(dict.fromkeys(found[0] for found in DSN.finditer(html.unescape(page))))


def home_of(page: str) -> str:
    """The address of the project whose page this is."""
    found = re.search(r'href="(/projects/\d+)/settings"', page)
    assert found, page
    return found[1]


def problem(page: str) -> str:
    found = re.search(r'class="problem"[^>]*>([^<]*)<', page)
    assert found, page
    return html.unescape(found[1])


# --- the list ---


async def test_without_a_project_the_list_says_what_to_do(http: httpx.AsyncClient) -> None:
    page = (await http.get("/projects")).text

    assert "No project yet" in page
    assert 'href="/projects/new"' in page


async def test_the_list_shows_each_project_with_what_it_received(
    server: Server, http: httpx.AsyncClient, shop: Created
) -> None:
    await server.house.projects.create("Quiet", "go")
    for value in ("first", "second"):
        await send(server, shop.dsn, exception={"values": [{"type": "ValueError", "value": value}]})

    page = (await http.get("/projects")).text

    rows = {row: re.sub(r"<[^>]+>", " ", row) for row in re.findall(r"<tr>\s*<td.*?</tr>", page, re.DOTALL)}
    quiet, busy = rows.values()
    assert "Quiet" in quiet
    assert "Go · quiet" in quiet
    assert "None yet" in quiet
    assert "Python · shop" in busy
    assert re.search(r"\b2\b.*\b2\b.*just now", busy, re.DOTALL)


# --- making one ---


async def test_a_new_project_is_made_with_its_set_up_page(server: Server, http: httpx.AsyncClient) -> None:
    made = await submit(http, "/projects/new", "/projects", name="  Checkout   API ", platform="node")

    assert made.status_code == 200
    page = made.text
    assert "Checkout API is ready for its first event." in page
    assert "Sentry.init" in page
    assert await send(server, dsns(page)[0]) == 200


async def test_the_api_key_of_a_new_project_is_shown_once_and_works(server: Server, http: httpx.AsyncClient) -> None:
    page = (await submit(http, "/projects/new", "/projects", name="Shop", platform="cobol")).text

    (secret,) = set(re.findall(r"bw_live_[\w-]+", page))
    assert "It is shown this once" in page
    headers = {"Authorization": f"Bearer {secret}"}
    sent = await server.client().post("/api/v1/events", json={"message": "hello"}, headers=headers)
    assert sent.status_code == 202
    for tab in TABS:
        assert secret not in (await http.get(home_of(page) + tab)).text


BAD_NAMES = {
    "": "1 to 100 characters",
    "   ": "1 to 100 characters",
    "\U0001f600\U0001f600": "at least one letter",
    "x" * 101: "1 to 100 characters",
    "x" * 4_000: "1 to 100 characters",
    "x" * 10_001: "too long",
    "evil\u202egnp.exe": "1 to 100 characters",
    "null\x00byte": "1 to 100 characters",
    "shop": "already",
    "Shop!": "already",
}


async def test_a_name_that_cannot_be_is_told_beside_the_field(http: httpx.AsyncClient, shop: Created) -> None:
    for name, said in BAD_NAMES.items():
        answer = await submit(http, "/projects/new", "/projects", name=name, platform="go")

        assert answer.status_code == 400, name
        assert said in problem(answer.text)
        assert '<option value="go" selected>' in answer.text


async def test_a_platform_that_cannot_be_is_told(http: httpx.AsyncClient) -> None:
    answer = await submit(http, "/projects/new", "/projects", name="Shop", platform="<b>")

    assert answer.status_code == 400
    assert problem(answer.text) == "A platform is a word such as python, javascript or other."


async def test_any_readable_name_is_shown_as_text_on_every_page(http: httpx.AsyncClient) -> None:
    names = ["买东西", "متجر", "Магазин \U0001f600", "<script>alert(1)</script>", "\"'&<b hx-get=/x>", "x" * 100]
    for name in names:
        made = await submit(http, "/projects/new", "/projects", name=name, platform="other")

        assert made.status_code == 200, name
        home = home_of(made.text)
        for path in ("/projects", "/issues", *(home + tab for tab in TABS)):
            page = await http.get(path)
            assert page.status_code == 200, path
            assert name in html.unescape(page.text)
            assert "<script>alert" not in page.text
            assert "<b hx-get" not in page.text


async def test_names_without_latin_letters_do_not_collide(http: httpx.AsyncClient) -> None:
    for name in ("商店", "网站"):
        assert (await submit(http, "/projects/new", "/projects", name=name)).status_code == 200


async def test_another_organization_may_have_the_same_name(people: People, shop: Created) -> None:
    charlie = await people.browser(await people.charlie())

    assert (await submit(charlie, "/projects/new", "/projects", name="Shop")).status_code == 200


# --- connecting an app ---


async def test_every_platform_is_shown_with_the_projects_own_dsn(http: httpx.AsyncClient, shop: Created) -> None:
    for platform in PLATFORMS:
        page = html.unescape((await http.get(f"/projects/{shop.project.id}?platform={platform}")).text)

        assert dsns(page) == [shop.dsn]
        assert f'<option value="{platform}" selected>' in page
        assert platform == "other" or snippet(platform, shop.dsn, "").init in page


async def test_a_platform_without_an_sdk_gets_our_own_api(
    server: Server, http: httpx.AsyncClient, shop: Created
) -> None:
    for platform in ("other", "cobol", "<script>"):
        page = (await http.get(f"/projects/{shop.project.id}", params={"platform": platform})).text

        assert f"curl {server.url}/api/v1/events" in html.unescape(page)
        assert "<script>" not in page


async def test_the_waiting_row_turns_green_with_the_first_event(
    server: Server, http: httpx.AsyncClient, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}/waiting"
    asked = {"HX-Request": "true"}

    before = (await http.get(path, headers=asked)).text
    await send(server, shop.dsn)
    after = (await http.get(path, headers=asked)).text

    assert "Waiting for the first event" in before
    assert f'hx-get="{path}"' in before
    assert 'class="note ok waiting"' in after
    assert 'href="/issues?project=shop"' in after
    assert "hx-get" not in after, "it has nothing more to ask"
    assert "<html" not in before + after
    assert "The first event arrived" in (await http.get(f"/projects/{shop.project.id}")).text
    assert "<html" in (await http.get(path)).text, "a browser that opens the address gets a page"


# --- keys ---


async def test_an_old_dsn_works_until_the_overlap_ends(
    server: Server, http: httpx.AsyncClient, shop: Created, clock: FakeClock
) -> None:
    path = f"/projects/{shop.project.id}/keys"

    rotated = await submit(http, path, f"{path}/rotate", days="7")
    page = (await http.get(rotated.headers["location"])).text

    assert "The old one works for 7 more days." in page
    new, old = dsns(page)
    assert old == shop.dsn
    assert ">Current<" in page
    assert ">Expires<" in page
    clock.now += 7 * DAY - HOUR
    assert await send(server, old) == 200
    clock.now += HOUR
    assert await send(server, old) == 403
    assert await send(server, new) == 200
    assert ">Expired<" in (await http.get(path)).text


async def test_a_key_that_expired_long_ago_is_not_listed(
    people: People, alice: Account, shop: Created, clock: FakeClock
) -> None:
    path = f"/projects/{shop.project.id}/keys"
    await submit(await people.browser(alice), path, f"{path}/rotate", days="1")
    clock.now += 32 * DAY

    page = (await (await people.browser(alice)).get(path)).text

    assert len(dsns(page)) == 1
    assert shop.dsn not in page


async def test_without_overlap_the_old_dsn_stops_at_once(
    server: Server, http: httpx.AsyncClient, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}/keys"
    assert await send(server, shop.dsn) == 200

    rotated = await submit(http, path, f"{path}/rotate", days="0")

    assert await send(server, shop.dsn) == 403
    page = (await http.get(rotated.headers["location"])).text
    assert "The old one no longer works." in page
    assert dsns((await http.get(f"/projects/{shop.project.id}")).text) == dsns(page)[:1]


async def test_an_overlap_has_an_end(http: httpx.AsyncClient, shop: Created) -> None:
    path = f"/projects/{shop.project.id}/keys"

    for verb in ("rotate", "rotate-api-key"):
        for days in ("31", "9" * 18):
            answer = await submit(http, path, f"{path}/{verb}", days=days)
            assert answer.status_code == 400
            assert "0 to 30 days" in answer.text
    assert len(dsns((await http.get(path)).text)) == 1


async def test_a_new_api_key_is_shown_once_and_works(server: Server, http: httpx.AsyncClient, shop: Created) -> None:
    path = f"/projects/{shop.project.id}/keys"

    async def hello(key: str) -> int:
        body = json.dumps({"message": "hello"})
        return (await server.client().post("/api/v1/events", headers={"X-API-Key": key}, content=body)).status_code

    shown = (await submit(http, path, f"{path}/rotate-api-key", days="0")).text

    found = re.search(r"bw_live_[\w-]{20,}", shown)
    assert found
    assert await hello(found[0]) == 202
    assert await hello(shop.api_key) == 401
    later = (await http.get(path)).text
    assert found[0] not in later
    assert f"bw_live_…{found[0][-4:]}" in later


# --- what arrived ---


async def test_the_ledger_adds_up(server: Server, http: httpx.AsyncClient, shop: Created) -> None:
    path = f"/projects/{shop.project.id}/ledger"
    assert "Nothing has arrived in this time" in (await http.get(path)).text
    twin = "0" * 31 + "7"
    for event in ({}, {"event_id": twin}, {"event_id": twin}, {"type": "transaction"}):
        await send(server, shop.dsn, **event)
    await server.house.ingest.book()

    for span in ("24h", "7d", "30d", "all", "nonsense"):
        page = (await http.get(path, params={"span": span})).text
        row = re.search(r"<tr><td>error</td>(.*?)</tr>", page)
        assert row, span
        received, stored, duplicate, *others, reported, deleted = map(int, re.findall(r">(\d+)<", row[1]))
        assert received == stored + duplicate + sum(others)
        assert (stored, duplicate, reported, deleted) == (2, 1, 0, 0)


async def test_the_ledger_is_of_the_time_that_is_asked_for(
    server: Server, http: httpx.AsyncClient, shop: Created, clock: FakeClock
) -> None:
    await send(server, shop.dsn)
    clock.now += 2 * DAY

    path = f"/projects/{shop.project.id}/ledger"

    assert "Nothing has arrived" in (await http.get(f"{path}?span=24h")).text
    assert "<td>error</td>" in (await http.get(f"{path}?span=7d")).text


# --- settings ---


async def test_a_limit_is_stored_as_it_is_meant(
    server: Server, http: httpx.AsyncClient, people: People, alice: Account, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}/settings"
    limits = {"": None, "0": 0, "300": 300, "10000000": 10_000_000}

    for given, stored in limits.items():
        answer = await submit(http, path, name="Shop front", platform="go", rate_limit=given)

        assert answer.status_code == 303
        (project,) = await server.house.permissions.projects(await people.caller(alice))
        assert (project.name, project.platform, project.slug) == ("Shop front", "go", "shop")
        assert project.rate_limit == stored
        page = (await http.get(path)).text
        assert "Saved." in page
        assert f'name="rate_limit" type="number" value="{given}"' in page


BAD_SETTINGS = [
    *(("rate_limit", given, "A limit is 0 (none) to 10,000,000") for given in ("-5", "many", "10000001", "1e3", "٣")),
    ("name", "", "A project's name needs"),
    ("name", "x" * 4_000, "A project's name needs"),
    ("name", "x" * 10_001, "too long"),
    ("platform", "no such thing", "A platform is a word"),
    ("scrub_keys", "\n".join(f"name{n}" for n in range(101)), "at most 100 names"),
    ("safe_keys", "x" * 101, "at most 100 names"),
]


async def test_a_setting_that_cannot_be_is_told_and_what_was_typed_stays(
    http: httpx.AsyncClient, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}/settings"

    for field, given, said in BAD_SETTINGS:
        fields = {"name": "Renamed", "platform": "go", "rate_limit": "5", "scrub_keys": "iban", field: given}
        answer = await submit(http, path, **fields)

        assert answer.status_code == 400, field
        assert said in problem(answer.text)
        for name in ("name", "rate_limit"):
            assert f'value="{fields[name]}"' in answer.text
        assert fields["scrub_keys"] in answer.text
        assert '<h1 aria-current="page">Shop</h1>' in answer.text, "the page is of the project as it is"
    assert 'name="name" type="text" value="Shop"' in (await http.get(path)).text


async def test_names_to_scrub_act_on_the_next_event(
    server: Server, http: httpx.AsyncClient, people: People, alice: Account, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}/settings"
    extra = {"iban": "CH93 0076", "mothers maiden name": "Meier", "csrf_token": "harmless"}
    await send(server, shop.dsn, extra=extra)

    names = {"scrub_keys": "iban\r\n\r\n mothers maiden name \r\niban", "safe_keys": "csrf_token"}
    await submit(http, path, name="Shop", platform="python", rate_limit="", **names)
    event_id = "ab" * 16
    await send(server, shop.dsn, event_id=event_id, extra=extra)

    page = (await http.get(path)).text
    assert ">iban\nmothers maiden name</textarea>" in page
    api = await people.api(alice)
    seen = (await api.get(f"/api/v1/projects/{shop.project.id}/events/{event_id}")).json()["extra"]
    assert seen == {"iban": "[Filtered]", "mothers maiden name": "[Filtered]", "csrf_token": "harmless"}


async def test_a_platform_of_the_apis_choice_survives_the_form(
    server: Server, http: httpx.AsyncClient, alice: Account
) -> None:
    made = await server.house.projects.create("Site", "django")

    page = (await http.get(f"/projects/{made.project.id}/settings")).text

    assert '<option value="django" selected>' in page


# --- who sees it ---


async def test_who_sees_a_project_is_chosen_among_the_members(
    server: Server, http: httpx.AsyncClient, people: People, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}"
    bob = await people.bob()
    his = await people.browser(bob)

    async def choose(audience: str, *members: int) -> str:
        answer = await submit(http, f"{path}/settings", f"{path}/members", audience=audience, member=list(members))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/settings")
        return (await http.get(f"{path}/settings")).text

    settings = await choose("chosen")
    assert (await his.get(path)).status_code == 404
    assert "Shop" not in (await his.get("/projects")).text
    assert f'name="member" value="{bob.id}">' in settings
    assert (await http.get(path)).status_code == 200, "an owner always sees it"

    settings = await choose("chosen", bob.id)
    assert (await his.get(path)).status_code == 200
    assert f'name="member" value="{bob.id}" checked>' in settings
    assert 'value="chosen" checked' in settings

    await choose("everybody")
    assert (await his.get(path)).status_code == 200
    assert (await his.get(f"{path}/settings")).text.count('name="audience"') == 0, "a member does not choose"


async def test_only_members_of_the_organization_can_be_named(
    http: httpx.AsyncClient, people: People, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}"
    charlie = await people.charlie()

    for named in (str(charlie.id), "999999", "9" * 18):
        answer = await submit(http, f"{path}/settings", f"{path}/members", audience="chosen", member=named)
        assert answer.status_code == 404, named
    odd = await submit(
        http, f"{path}/settings", f"{path}/members", audience="chosen", member=["-1", "x", "٣", "9" * 99]
    )
    assert odd.status_code == 303, "what is no number is nobody"
    assert (await (await people.browser(await people.bob())).get(path)).status_code == 404


# --- links to the source ---


async def test_frames_are_linked_by_the_hosts_template(server: Server, http: httpx.AsyncClient, shop: Created) -> None:
    path = f"/projects/{shop.project.id}"
    frame = {"filename": "shop/cart.py", "abs_path": "/app/shop/cart.py", "lineno": 48, "in_app": True}
    await send(server, shop.dsn, exception={"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [frame]}}]})
    fields = {"host": "gitea", "repository": "https://git.example:3000/acme/shop/", "branch": "main"}

    tried = await submit(http, f"{path}/settings", f"{path}/source/example", **fields, strip="/app/", prefix="src")
    assert "https://git.example:3000/acme/shop/src/branch/main/src/shop/cart.py#L48" in tried.text.replace("<wbr>", "")
    assert 'value="src"' in tried.text, "what was typed stays"
    assert "git.example:3000" not in (await http.get(f"{path}/settings")).text, "and nothing is stored"
    asked = await http.post(
        f"{path}/source/example",
        data={"csrf": form_token(tried.text), **fields},
        headers={"HX-Request": "true"},
    )
    assert "<html" not in asked.text
    assert "/src/branch/main/shop/cart.py#L48" in asked.text

    saved = await submit(http, f"{path}/settings", f"{path}/source", **fields, strip="/app/", prefix="src/")
    assert saved.status_code == 303
    page = (await http.get(f"{path}/settings")).text
    assert 'href="https://git.example:3000/acme/shop/src/branch/main/src/shop/cart.py#L48"' in page
    await submit(http, f"{path}/settings", f"{path}/source", host="")
    assert "git.example:3000" not in (await http.get(f"{path}/settings")).text


async def test_a_link_that_cannot_be_is_told(http: httpx.AsyncClient, shop: Created) -> None:
    path = f"/projects/{shop.project.id}"
    bad = {
        "repository": {"host": "github", "repository": "javascript:alert(1)//x/y"},
        "template": {"host": "template", "template": "javascript:alert({path})"},
        "host": {"host": "sourceforge", "repository": "a/b"},
    }
    for field, fields in bad.items():
        for address in ("source", "source/example"):
            answer = await submit(http, f"{path}/settings", f"{path}/{address}", **fields)
            assert answer.status_code == (400 if address == "source" else 200), field
            assert problem(answer.text)
            assert 'href="javascript' not in answer.text


# --- the end ---


async def test_a_project_is_deleted_only_by_its_name_in_full(
    server: Server, http: httpx.AsyncClient, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}"

    for typed in ("", "Shop", "shop-2", "SHOP"):
        answer = await submit(http, f"{path}/settings", f"{path}/delete", slug=typed)
        assert answer.status_code == 400
        assert problem(answer.text) == "Type shop to delete the project."
    assert await send(server, shop.dsn) == 200


async def test_a_deleted_project_is_gone_and_its_keys_open_nothing(
    server: Server, http: httpx.AsyncClient, shop: Created
) -> None:
    path = f"/projects/{shop.project.id}"
    assert await send(server, shop.dsn) == 200

    answer = await submit(http, f"{path}/settings", f"{path}/delete", slug=" shop ")

    assert await send(server, shop.dsn) == 403
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects")
    page = (await http.get("/projects")).text
    assert "Shop is deleted." in page
    assert "No project yet" in page
    for tab in TABS:
        assert (await http.get(path + tab)).status_code == 404
    again = await submit(http, "/projects/new", "/projects", name="Shop")
    assert again.status_code == 200, "its name is free"


# --- who may ---


def changes(path: str) -> dict[str, dict[str, str]]:
    """Every form of a project, filled in well."""
    return {
        f"{path}/keys/rotate": {"days": "0"},
        f"{path}/keys/rotate-api-key": {"days": "0"},
        f"{path}/settings": {"name": "Mine", "platform": "go"},
        f"{path}/source": {"host": "github", "repository": "evil/shop"},
        f"{path}/source/example": {"host": "github", "repository": "evil/shop"},
        f"{path}/members": {"audience": "everybody"},
        f"{path}/delete": {"slug": "shop"},
    }


async def test_a_member_sees_and_changes_nothing(server: Server, people: People, shop: Created) -> None:
    http = await people.browser(await people.bob())
    path = f"/projects/{shop.project.id}"

    for tab in TABS:
        page = await http.get(path + tab)
        assert page.status_code == 200
        for change in changes(path):
            assert f'action="{change}"' not in page.text or change.endswith("/settings")
    assert "/projects/new" not in (await http.get("/projects")).text.partition("<main")[2]
    assert (await http.get("/projects/new")).status_code == 403
    settings = (await http.get(f"{path}/settings")).text.partition("<main")[2]
    assert "An owner or an admin of the organization can change these." in settings
    assert len(re.findall(r"<(?:input|select|textarea)[^>]* disabled", settings)) == 5
    for change, fields in changes(path).items():
        assert (await submit(http, "/account", change, **fields)).status_code == 403, change
    assert (await submit(http, "/account", "/projects", name="Mine")).status_code == 403
    assert await send(server, shop.dsn) == 200


async def test_a_stranger_finds_nothing(server: Server, people: People, shop: Created) -> None:
    http = await people.browser(await people.charlie())
    path = f"/projects/{shop.project.id}"

    assert "Shop" not in (await http.get("/projects")).text
    for tab in (*TABS, "/waiting"):
        assert (await http.get(path + tab)).status_code == 404
    for change, fields in changes(path).items():
        assert (await submit(http, "/account", change, **fields)).status_code == 404, change
    home = str(shop.project.organization_id)
    foreign = await submit(http, "/account", "/projects", name="Mine", organization=home)
    assert foreign.status_code == 403, "nobody makes projects in an organization of others"
    assert await send(server, shop.dsn) == 200


async def test_who_is_not_signed_in_is_sent_to_the_login(server: Server, shop: Created) -> None:
    for path in ("/projects", "/projects/new", *(f"/projects/{shop.project.id}{tab}" for tab in TABS)):
        answer = await server.client().get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    # The row that asks again each second says no, in a word: a login form has no place inside a page.
    asked = {"HX-Request": "true"}
    assert (await server.client().get(f"/projects/{shop.project.id}/waiting", headers=asked)).status_code == 401


async def test_every_change_wants_the_forms_token(server: Server, http: httpx.AsyncClient, shop: Created) -> None:
    for change, fields in {**changes(f"/projects/{shop.project.id}"), "/projects": {"name": "Mine"}}.items():
        assert (await http.post(change, data=fields)).status_code == 403, change
    assert await send(server, shop.dsn) == 200
