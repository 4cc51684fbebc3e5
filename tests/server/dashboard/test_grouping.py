"""Grouping in the browser, without script: rules tried before they are saved, issues merged, undone and taken apart."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from bugwatch.domain.account import Account
from tests.server import conftest
from tests.server.conftest import People, Server
from tests.server.dashboard.test_issues import Shop

RULES = "type:ValueError message:c* -> cart"


@pytest.fixture
async def shop(server: Server, people: People, alice: Account) -> Shop:
    return Shop(server, await people.browser(alice), await server.house.projects.create("Shop", "python"))


async def submit(http: httpx.AsyncClient, page: str, path: str = "", **fields: object) -> httpx.Response:
    """Post from a page and see where it leads."""
    answer = await conftest.submit(http, page, path, **fields)
    return await http.get(answer.headers["location"]) if answer.is_redirect else answer


def home(shop: Shop) -> str:
    return f"/projects/{shop.made.project.id}/grouping"


def read(answer: httpx.Response) -> str:
    """The text of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_rules_are_tried_then_saved_and_put_back(shop: Shop) -> None:
    for value in ("cart empty", "cart full"):
        await shop.error(value, fingerprint=[value])

    tried = await submit(shop.http, home(shop), home(shop), do="try", rules=RULES, version="0")
    assert "Seen in 2 events of the latest issues. Nothing is changed yet." in read(tried)
    assert "1 merge" in read(tried)
    assert "SHOP-1 ValueError: cart empty" in read(tried)
    assert RULES in html.unescape(tried.text)
    calm = await submit(shop.http, home(shop), home(shop), do="try", rules="type:X -> y", version="0")
    assert "Events like these would stay where they are." in read(calm)

    wrong = await submit(shop.http, home(shop), home(shop), do="apply", rules="type:A -> a\n<b>what", version="0")
    assert wrong.status_code == 400
    assert "Line 2: expected something such as “type:ValueError”, found “<b>what”." in html.unescape(wrong.text)
    assert "<b>what" not in wrong.text
    saved = await submit(shop.http, home(shop), home(shop), do="apply", rules=RULES, version="0")
    assert "The rules are in force" in read(saved)
    stale = await submit(shop.http, home(shop), home(shop), do="apply", rules="", version="0")
    assert stale.status_code == 409
    await submit(shop.http, home(shop), home(shop), do="apply", rules="", version="1")
    assert "Version 2" in (page := read(await shop.http.get(home(shop))))
    assert "Alice" in page
    assert RULES in html.unescape(await shop.page(f"{home(shop)}?version=1"))
    assert (await shop.http.get(f"{home(shop)}?version=99999999999999999999")).status_code == 200


async def test_members_read_the_rules_and_strangers_do_not(shop: Shop, people: People) -> None:
    bob, charlie = await people.browser(await people.bob()), await people.browser(await people.charlie())

    assert "An owner or an admin" in read(await bob.get(home(shop)))
    assert (await submit(bob, home(shop), home(shop), do="apply", rules=RULES, version="0")).status_code == 403
    assert (await charlie.get(home(shop))).status_code == 404
    assert (await shop.http.post(home(shop), data={"do": "apply", "rules": RULES})).status_code == 403


async def test_issues_are_merged_from_the_list_and_the_merge_is_undone(shop: Shop) -> None:
    for value in ("one", "two", "two"):
        await shop.error(value, fingerprint=[value])
    ids = [(await shop.issue(title)).rpartition("/")[2] for title in ("one", "two")]

    merged = await submit(shop.http, "/issues", "/issues", do="merge", id=ids, back="status=all")
    assert "1 issue merged." in read(merged)
    assert "1 merged" in read(await shop.http.get(await shop.issue("two")))
    assert "ValueError two" in read(merged)
    assert "ValueError one" not in read(merged)
    undo = re.search(r'<form method="post" action="/issues/unmerge">(.*?)</form>', merged.text, re.DOTALL)
    assert undo
    fields = dict(re.findall(r'name="(root|undo|back)" value="([^"]+)"', undo[1]))
    back = await submit(shop.http, "/issues", "/issues/unmerge", **fields)
    assert "Taken back." in read(back)
    assert "ValueError one" in read(back)
    assert (await submit(shop.http, "/issues", "/issues", do="merge", id=ids[:1])).status_code == 400
    away = await shop.http.post("/issues/unmerge", data={**fields, "back": "//evil.example"})
    assert away.status_code == 403


async def test_an_issue_takes_in_another_and_lets_it_go(shop: Shop, people: People) -> None:
    event_id = await shop.error("one", fingerprint=["one"])
    await shop.error("two", fingerprint=["two"])
    await shop.error("three", fingerprint=["three"])
    one, two = await shop.issue("one"), await shop.issue("two")
    tab = f"{two}/grouping"

    for wrong, said in (("SHOP-99", "no such issue"), ("OTHER-1", "no such issue"), ("SHOP-2", "That is this issue.")):
        refused = await submit(shop.http, tab, f"{two}/merge", short_id=wrong)
        assert refused.status_code == 400
        assert said in read(refused)
    await submit(shop.http, tab, f"{two}/merge", short_id="shop-3")
    page = read(await submit(shop.http, tab, f"{two}/merge", short_id=" SHOP-1 "))

    assert "SHOP-1 ValueError: one" in page
    assert "Take all out" in page
    assert "The fingerprint that the SDK sent" in page
    for path in ("", "/events", "/tags", "/grouping", f"/events/{event_id}"):
        moved = await shop.http.get(one + path)
        assert (moved.status_code, moved.headers["location"]) == (303, two + path)
    overview = read(await shop.http.get(f"{two}/events/{event_id}"))
    assert "It belongs to SHOP-1, which was merged into this issue." in overview
    assert "Alice merged SHOP-1 into it" in overview
    assert "ValueError two" in read(await shop.http.get("/issues?query=one"))
    bob, charlie = await people.browser(await people.bob()), await people.browser(await people.charlie())
    assert (await charlie.get(one)).status_code == 404
    assert (await submit(charlie, "/issues", f"{two}/unmerge")).status_code == 404

    freed = await submit(bob, tab, f"{two}/unmerge", id=one.rpartition("/")[2])
    assert "1 issue stands for itself again." in read(freed)
    assert "None. Issues that are the same bug" in read(await submit(bob, tab, f"{two}/unmerge"))
    assert "Bob took it out of SHOP-2" in read(await shop.http.get(one))
    assert (await bob.get("/issues/99999999999999999999999/grouping")).status_code == 404


async def test_an_event_tells_that_the_rules_have_changed_since(shop: Shop) -> None:
    await shop.error("cart empty")
    await submit(shop.http, home(shop), home(shop), do="apply", rules=RULES, version="0")

    page = read(await shop.http.get(await shop.issue("cart")))

    assert "Grouped by the fingerprint that the project's rule on line 1 sets. The rules have changed since" in page
    await shop.error("cart empty")
    page = read(await shop.http.get(await shop.issue("cart")))
    assert "The rules have changed since" not in page
