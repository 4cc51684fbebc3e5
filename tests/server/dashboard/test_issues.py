"""The pages of issues, as a browser asks for them."""

from __future__ import annotations

import gzip
import html
import json
import re
import uuid

import httpx
import pytest

from bugwatch.domain.account import Account
from bugwatch.domain.source_link import SourceLink
from bugwatch.services.projects import Created
from tests.server.conftest import People, Serve, Server, form_token, submit

HOSTILE = "</script><script>alert(1)</script><b hx-get=/x hx-trigger=load>'\"&\u202e\U0001f600"


class Shop:
    """A project that receives events, and the browser of Alice, who owns it."""

    def __init__(self, server: Server, http: httpx.AsyncClient, made: Created) -> None:
        self.server, self.http, self.made = server, http, made

    async def event(self, **given: object) -> str:
        """Send an event; its id."""
        event_id = uuid.uuid4().hex
        key = self.made.dsn.split("//")[1].split("@")[0]
        answer = await self.server.http.post(
            f"/api/{self.made.project.id}/store/",
            params={"sentry_key": key},
            content=json.dumps({"event_id": event_id, "platform": "python", **given}),
        )
        assert answer.status_code == 200, answer.text
        return event_id

    async def error(self, value: str = "no", type_: str = "ValueError", **given: object) -> str:
        return await self.event(**{"exception": {"values": [{"type": type_, "value": value, **FRAMES}]}, **given})

    async def page(self, path: str = "/issues", **headers: str) -> str:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def issue(self, title: str = "") -> str:
        """The address of the newest issue in the list, or of one by its title."""
        rows = re.findall(r'class="title" href="([^"]+)">(.*?)</a>', await self.page("/issues?status=all"))
        return next(address for address, text in rows if title in html.unescape(text))


FRAMES = {
    "mechanism": {"type": "excepthook", "handled": False},
    "stacktrace": {
        "frames": [
            {
                "filename": "flask/app.py",
                "abs_path": "/venv/lib/python3.12/site-packages/flask/app.py",
                "function": "dispatch",
                "lineno": 9,
                "in_app": False,
                "context_line": "    return view(**args)",
                "vars": {"args": {"a": 1}},
            },
            {
                "filename": "shop/cart.py",
                "abs_path": "/app/shop/cart.py",
                "function": "total",
                "lineno": 48,
                "in_app": True,
                "pre_context": ["def total(cart):"],
                "context_line": "    return best.price",
                "vars": {"best": "None", "password": "hunter2"},
            },
        ]
    },
}


@pytest.fixture
async def shop(server: Server, people: People, alice: Account) -> Shop:
    made = await server.house.projects.create("Shop", "python")
    return Shop(server, await people.browser(alice), made)


async def test_a_stranger_is_asked_to_sign_in(server: Server, alice: Account) -> None:
    for path in ("/issues", "/issues/1", "/issues/1/events", "/issues/1/tags"):
        answer = await server.client().get(path)
        assert answer.status_code == 303
        assert "/login" in answer.headers["location"]


async def test_an_error_is_in_the_list_with_what_matters(shop: Shop) -> None:
    await shop.error("the cart is empty", level="fatal", user={"id": "7"}, release="2.0", environment="staging")

    page = await shop.page()

    for text in ("<b>ValueError</b><span>the cart is empty</span>", "SHOP-1", "Fatal", "shop.cart in total", ">New<"):
        assert text in page or text.replace("shop.cart", "shop/cart.py") in page
    assert re.search(r'class="r n users">1<', page)


async def test_tabs_filters_and_search_narrow_the_list(shop: Shop) -> None:
    await shop.error("first", environment="staging", release="1.0")
    await shop.error("second", type_="KeyError", level="warning")

    async def shown(query: str) -> list[str]:
        return re.findall(r"<b>(\w+)</b><span>", await shop.page(f"/issues?{query}"))

    assert sorted(await shown("")) == ["KeyError", "ValueError"]
    assert await shown("environment=staging") == ["ValueError"]
    assert await shown("level=warning") == ["KeyError"]
    assert await shown("release=1.0") == ["ValueError"]
    assert await shown("query=SECOND") == ["KeyError"]
    assert await shown("status=resolved") == []
    assert await shown("project=elsewhere") == []
    assert await shown("period=24h&sort=events&status=all") != []


async def test_the_search_jumps_to_an_issue_by_its_short_id(shop: Shop) -> None:
    await shop.error()

    answer = await shop.http.get("/issues?query=shop-1")

    assert answer.headers["location"] == await shop.issue()


@pytest.mark.parametrize(
    "query", ["after=x", "after=1.2.3", "before=", "after=9.9&before=1.1", "period=9&sort=;", "level=%00"]
)
async def test_any_address_gives_a_page(shop: Shop, query: str) -> None:
    await shop.error()

    assert (await shop.http.get(f"/issues?{query}")).status_code == 200


async def test_many_issues_are_paged_forth_and_back(shop: Shop) -> None:
    for number in range(30):
        await shop.error("x", type_=f"Error{number:02}")

    first = await shop.page()
    (forth,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = await shop.page(html.unescape(forth))
    (back,) = re.findall(r'href="([^"]+)" rel="prev"', second)

    assert len(re.findall(r'class="title"', first)) == 25
    assert len(re.findall(r'class="title"', second)) == 5
    again = await shop.page(html.unescape(back))
    assert re.findall(r'class="title" href="([^"]+)', again) == re.findall(r'class="title" href="([^"]+)', first)


async def test_a_bulk_change_is_said_and_can_be_taken_back(shop: Shop) -> None:
    await shop.error("one")
    await shop.error("two", type_="KeyError")
    ids = re.findall(r'name="id" value="(\d+)"', await shop.page())

    answer = await submit(shop.http, "/issues", do="resolve", id=ids, back="sort=users")
    assert answer.headers["location"] == "/issues?sort=users"
    page = await shop.page(answer.headers["location"])
    assert "2 issues resolved." in page
    assert "Nothing is unresolved." in page

    fields = re.findall(r'name="(back|unresolved)" value="([^"]*)"', page)
    undo = {"unresolved": [value for name, value in fields if name == "unresolved"]}
    answer = await shop.http.post(
        "/issues/restore", data={"csrf": form_token(page), "back": "/issues?sort=users", **undo}
    )
    assert answer.headers["location"] == "/issues?sort=users"
    assert len(re.findall(r'class="title"', await shop.page())) == 2


async def test_htmx_gets_the_list_and_the_toast_alone(shop: Shop) -> None:
    await shop.error()
    (issue_id,) = re.findall(r'name="id" value="(\d+)"', await shop.page())
    await submit(shop.http, "/issues", do="mute", id=issue_id, back="")

    part = await shop.page("/issues", **{"HX-Request": "true"})

    assert "<html" not in part
    assert 'hx-swap-oob="beforeend:#toasts"' in part
    assert "1 issue muted." in part


@pytest.mark.parametrize("back", ["https://evil.test/", "//evil.test", "/issues/../logout", "javascript:alert(1)", ""])
async def test_nobody_is_sent_elsewhere_afterwards(shop: Shop, back: str) -> None:
    await shop.error()

    answer = await submit(shop.http, "/issues", "/issues/restore", back=back)

    assert answer.headers["location"].startswith("/issues")
    assert "evil" not in answer.headers["location"]


@pytest.mark.parametrize(("do", "ids"), [("explode", ["1"]), ("resolve", ["x", "-1", "9" * 40]), ("resolve", [])])
async def test_nonsense_changes_nothing(shop: Shop, do: str, ids: list[str]) -> None:
    await shop.error()

    answer = await submit(shop.http, "/issues", do=do, id=ids)

    assert answer.status_code in (400, 404)


async def test_the_issue_shows_its_event_in_debugging_order_without_secrets(shop: Shop) -> None:
    crumbs = [{"category": "query", "message": "SELECT 1", "timestamp": 1_790_000_000}]
    request = {"url": "https://shop.test/cart", "method": "POST", "headers": {"Authorization": "Bearer s3cret"}}
    await shop.error("the cart is empty", breadcrumbs=crumbs, request=request, tags={"plan": "gold"}, extra={"n": 1})

    page = await shop.page(await shop.issue())

    order = [
        'class="facts"',
        'id="trace"',
        'class="hit"',
        'id="crumbs"',
        'id="request"',
        'id="grouping"',
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert "[Filtered]" in page
    assert "hunter2" not in page
    assert "s3cret" not in page
    assert "Grouped by the type" in page
    assert "SELECT 1" in page
    assert "gold" in page


async def test_library_code_comes_when_asked(shop: Shop) -> None:
    await shop.error()
    page = await shop.page(await shop.issue())
    assert "return view" not in page
    (address,) = set(re.findall(r'data-load="([^"]+)"', page))

    part = await shop.page(address, **{"HX-Request": "true"})

    assert "<html" not in part
    assert "view" in part
    assert "Show the code" in page
    assert "<html" in await shop.page(address)


async def test_older_and_newer_events_are_one_step_away(shop: Shop) -> None:
    sent = [await shop.error() for _ in range(3)]
    address = await shop.issue()

    latest = await shop.page(address)
    middle = await shop.page(f"{address}/events/{sent[1]}")

    assert f"{address}/events/{sent[1]}" in latest
    assert "Latest event" in latest
    assert f"{address}/events/{sent[0]}" in middle
    assert f"{address}/events/{sent[2]}" in middle
    listed = re.findall(r"/events/([0-9a-f]{32})", await shop.page(f"{address}/events"))
    assert listed == sent[::-1]


async def test_the_event_as_json_is_what_the_api_gives(shop: Shop) -> None:
    event_id = await shop.error("the cart is empty")

    answer = await shop.http.get(f"{await shop.issue()}/events/{event_id}/json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["exception"]["values"][0]["value"] == "the cart is empty"
    assert "hunter2" not in answer.text


async def test_tags_have_a_page_of_their_own(shop: Shop) -> None:
    for plan in ("gold", "gold", "free"):
        await shop.error(tags={"plan": plan})

    page = await shop.page(f"{await shop.issue()}/tags")

    assert re.search(r"<dt>gold</dt><dd class=\"n\">2</dd><dd class=\"p\">67%</dd>", page)


async def test_an_issue_is_resolved_and_reopened_on_its_page(shop: Shop) -> None:
    await shop.error()
    address = await shop.issue()

    assert (await submit(shop.http, address, do="resolve")).headers["location"] == address
    page = await shop.page(address)
    assert "Alice resolved it" in page
    assert "Reopen" in page
    await submit(shop.http, address, do="reopen")
    assert "Alice reopened it" in await shop.page(address)


async def test_a_deleted_issue_is_gone(shop: Shop) -> None:
    await shop.error()
    address = await shop.issue()

    answer = await submit(shop.http, address, f"{address}/delete")

    assert answer.headers["location"] == "/issues"
    assert (await shop.http.get(address)).status_code == 404


async def test_a_member_may_resolve_but_not_delete(shop: Shop, people: People) -> None:
    await shop.error()
    address = await shop.issue()
    http = await people.browser(await people.bob())

    assert "Delete issue" not in (await http.get(address)).text
    assert (await submit(http, address, f"{address}/delete")).status_code in (403, 404)
    assert (await submit(http, address, do="resolve")).status_code == 303


async def test_another_organization_sees_nothing(shop: Shop, people: People) -> None:
    event_id = await shop.error("our secret")
    address = await shop.issue()
    http = await people.browser(await people.charlie())

    for path in (
        "",
        "/events",
        "/tags",
        f"/events/{event_id}",
        f"/events/{event_id}/json",
        f"/events/{event_id}/frames/0/0",
        f"/events/{event_id}/trace.txt",
        f"/events/{event_id}/trace.md",
    ):
        assert (await http.get(address + path)).status_code == 404
    assert "our secret" not in (await http.get("/issues?status=all")).text
    assert (await submit(http, "/account", address, do="resolve")).status_code == 404
    assert (await submit(http, "/account", f"{address}/delete")).status_code == 404


@pytest.mark.parametrize("path", ["/issues/0", "/issues/99999999999999999999", "/issues/x", "/issues/-1"])
async def test_what_is_not_there_is_a_page_that_says_so(shop: Shop, path: str) -> None:
    answer = await shop.http.get(path)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


async def test_an_event_is_only_shown_in_its_own_issue(shop: Shop) -> None:
    first = await shop.error("one")
    await shop.error("two", type_="KeyError")
    address = await shop.issue("two")

    for event_id in (first, "0" * 32, "x", "%00"):
        assert (await shop.http.get(f"{address}/events/{event_id}")).status_code == 404


async def test_empty_lists_say_why(shop: Shop, people: People) -> None:
    new = await shop.page()
    assert "Waiting for the first event" in new
    assert shop.made.dsn in new
    await shop.error()
    assert "Nothing was found for “zebra”." in html.unescape(await shop.page("/issues?query=zebra"))
    assert "Nothing is muted." in await shop.page("/issues?status=ignored")
    (issue_id,) = re.findall(r'name="id" value="(\d+)"', await shop.page())
    await submit(shop.http, "/issues", do="resolve", id=issue_id)
    calm = await shop.page()
    assert "Nothing is unresolved." in calm
    assert "Last resolved:" in calm
    charlie = await people.browser(await people.charlie())
    assert "No project yet" in (await charlie.get("/issues")).text


async def test_nothing_in_an_event_becomes_markup(shop: Shop) -> None:
    frame = {"filename": HOSTILE, "function": HOSTILE, "module": HOSTILE, "abs_path": HOSTILE, "context_line": HOSTILE,
             "pre_context": [HOSTILE], "lineno": 2, "vars": {HOSTILE: HOSTILE}, "in_app": True}  # fmt: skip
    await shop.event(
        exception={"type": HOSTILE, "value": HOSTILE, "module": HOSTILE, "stacktrace": {"frames": [frame]}},
        message=HOSTILE, transaction=HOSTILE, logger=HOSTILE, server_name=HOSTILE, release=HOSTILE, environment="x",
        tags={"hostile": HOSTILE}, extra={HOSTILE: {HOSTILE: HOSTILE}}, contexts={HOSTILE: {HOSTILE: HOSTILE}},
        user={"id": HOSTILE, "username": HOSTILE, HOSTILE: HOSTILE}, modules={HOSTILE: HOSTILE},
        breadcrumbs=[{"category": HOSTILE, "message": HOSTILE, "data": {HOSTILE: HOSTILE}}],
        request={"url": HOSTILE, "method": HOSTILE, "headers": {HOSTILE: HOSTILE}, "data": HOSTILE, "cookies": HOSTILE},
        fingerprint=[HOSTILE], sdk={"name": HOSTILE, "version": HOSTILE},
    )  # fmt: skip
    address = await shop.issue()

    for path in ("/issues", address, f"{address}/events", f"{address}/tags"):
        page = await shop.page(path)
        assert "alert(1)" in page or path.endswith("events")
        assert "<script>alert" not in page
        assert "<b hx-get" not in page


async def test_everything_of_an_event_stands_where_htmx_does_not_look(shop: Shop) -> None:
    await shop.error("needle")
    page = await shop.page(await shop.issue())

    for place in [found.start() for found in re.finditer("needle", page.split("<body")[1])]:
        before = page.split("<body")[1][:place]
        assert before.count("hx-disable") > 0


async def test_the_switch_of_frames_is_links_and_is_remembered(shop: Shop) -> None:
    await shop.error()
    issue = await shop.issue()

    assert '<details class="lib">' in await shop.page(issue)
    assert '<details class="lib" open>' in await shop.page(f"{issue}?frames=all")
    raw = await shop.page(f"{issue}?frames=raw")
    assert "Traceback (most recent call last):" in raw
    assert f'href="{issue}?frames=raw#trace" data-frames="raw" aria-current="true"' in raw
    assert 'class="frame"' not in raw
    assert "Traceback" in await shop.page(issue, cookie=f"{cookies(shop)}; frames=raw")
    for odd in ("?frames=", "?frames=%3Cscript%3E", "?frames=RAW"):
        assert '<details class="lib">' in await shop.page(issue + odd)


def cookies(shop: Shop) -> str:
    return "; ".join(f"{name}={value}" for name, value in shop.http.cookies.items())


async def test_the_trace_is_there_as_text_and_as_markdown(shop: Shop) -> None:
    event_id = await shop.error("no ```way``` <b> @everyone", release="2.0")
    here = f"{await shop.issue()}/events/{event_id}"

    text = await shop.http.get(f"{here}/trace.txt")
    markdown = await shop.http.get(f"{here}/trace.md")

    for answer in (text, markdown):
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "hunter2" not in answer.text
    assert text.text.startswith("Traceback (most recent call last):")
    assert text.text.endswith("ValueError: no ```way``` <b> @everyone\n")
    assert f"- Link: `{shop.server.url}{here}`" in markdown.text
    assert "````\nTraceback" in markdown.text
    assert ">   48     return best.price" in markdown.text
    page = await shop.page(await shop.issue())
    assert f'data-copy-url="{here}/trace.md"' in page
    assert f'class="btn ghost unscripted" href="{here}/trace.txt"' in page


async def test_frames_of_the_app_lead_to_their_source(shop: Shop) -> None:
    await shop.server.house.projects.link_source(shop.made.project, SourceLink("github", "acme/shop"))
    await shop.error(release="shop@1.0+9fceb02")

    page = await shop.page(await shop.issue())

    address = "https://github.com/acme/shop/blob/9fceb02/shop/cart.py#L48"
    assert re.findall(r'<a class="source" href="([^"]+)" target="_blank" rel="noopener noreferrer"', page) == [address]


async def test_the_budgets_of_pages_hold(shop: Shop) -> None:
    for number in range(26):
        await shop.error(
            "Retry budget exhausted for endpoint https://hooks.example/v2 (12 attempts)", type_=f"Error{number}"
        )
    lib = {**FRAMES["stacktrace"]["frames"][0], "pre_context": ["x = call(1)"] * 5, "post_context": ["y"] * 5}  # type: ignore[index]
    own = {**FRAMES["stacktrace"]["frames"][1], "pre_context": ["x = call(1)"] * 5, "post_context": ["y"] * 5}  # type: ignore[index]
    frames = [{**lib, "function": f"lib{n}"} for n in range(40)] + [{**own, "function": f"own{n}"} for n in range(10)]
    await shop.event(exception={"values": [{"type": "Deep", "value": "x", "stacktrace": {"frames": frames}}]})

    listed = (await shop.page()).encode()
    detail = (await shop.page(await shop.issue("Deep"))).encode()

    assert listed.count(b'class="title"') == 25
    assert len(listed) <= 60 * 1024
    assert len(gzip.compress(listed)) <= 12 * 1024
    assert len(detail) <= 90 * 1024


async def test_every_address_stands_below_the_base_path(serve: Serve) -> None:
    server = await serve(base_url="http://bugwatch.test/bw")
    people = People(server)
    made = await server.house.projects.create("Shop", "python")
    shop = Shop(server, await people.browser(await people.alice()), made)
    await shop.error()

    listed = await shop.page()
    addresses = re.findall(r'\s(?:href|src|action|data-load|hx-get|hx-post)="([^"#]+)', listed)
    assert [address for address in addresses if not address.startswith("/bw/")] == []
