"""Issues by the API: found by every filter, paged while more come in, resolved, muted, deleted. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bugwatch.domain.clock import DAY, HOUR, MINUTE, to_iso

if TYPE_CHECKING:
    from tests.conftest import FakeClock
    from tests.server.api.conftest import Shop


async def only(shop: Shop) -> dict[str, Any]:
    [issue] = await shop.issues()
    return issue


async def test_an_issue_says_all_that_a_list_needs(shop: Shop, clock: FakeClock) -> None:
    first = clock.now
    await shop.send("cart empty", user={"id": "1"}, release="1.0", transaction="/cart")
    clock.now += MINUTE
    await shop.send("cart empty", user={"id": "2"}, release="1.1", level="fatal", transaction="/cart")

    issue = await only(shop)

    assert issue == {
        "id": issue["id"],
        "short_id": "SHOP-1",
        "project_id": shop.id,
        "title": "ValueError: cart empty",
        "culprit": "/cart",
        "level": "fatal",
        "status": "unresolved",
        "is_regressed": False,
        "is_unhandled": False,
        "platform": "python",
        "event_count": 2,
        "stored_count": 2,
        "user_count": 2,
        "first_seen_at": to_iso(first),
        "last_seen_at": to_iso(clock.now),
        "first_release": "1.0",
        "last_release": "1.1",
        "status_changed_at": to_iso(first),
        "resolved_at": None,
        "merged_into": None,
        "merged": [],
    }
    assert isinstance(issue["id"], int)
    assert (await shop.bob.get(f"{shop.url}/issues/{issue['id']}")).json() == issue


async def test_every_filter_narrows_the_list(shop: Shop, clock: FakeClock) -> None:
    start = clock.now
    await shop.send("old one", level="warning", environment="staging", release="app@1.0")
    clock.now += HOUR
    await shop.send("middle one", level="fatal", environment="production", release="app@1.1", transaction="100%_off")
    clock.now += HOUR
    await shop.send("new one", level="error", environment="production", release="app@1.1", transaction="/Überblick")
    await shop.send("new one", environment="staging")
    _, middle, old = await shop.issues()
    await shop.alice.patch(f"{shop.url}/issues/{old['id']}", json={"status": "resolved"})
    await shop.alice.patch(f"{shop.url}/issues/{middle['id']}", json={"status": "muted"})

    expected: list[tuple[dict[str, object], list[str]]] = [
        ({}, ["new one", "middle one", "old one"]),
        ({"status": "unresolved"}, ["new one"]),
        ({"status": "resolved"}, ["old one"]),
        ({"status": "ignored"}, ["middle one"]),
        ({"status": "muted"}, ["middle one"]),
        ({"level": "warning"}, ["old one"]),
        ({"level": "debug"}, []),
        ({"environment": "staging"}, ["new one", "old one"]),
        ({"environment": "nowhere"}, []),
        ({"release": "app@1.1"}, ["new one", "middle one"]),
        ({"environment": "production", "release": "app@1.1", "level": "fatal"}, ["middle one"]),
        ({"from": to_iso(start + 1)}, ["new one", "middle one"]),
        ({"to": to_iso(start)}, ["old one"]),
        ({"from": to_iso(start + HOUR), "to": to_iso(start + HOUR)}, ["middle one"]),
        ({"from": to_iso(start + HOUR).replace("Z", "+00:00")}, ["new one", "middle one"]),
        ({"from": to_iso(clock.now + DAY)[:10]}, []),
        ({"query": "ONE"}, ["new one", "middle one", "old one"]),
        ({"query": "Middle"}, ["middle one"]),
        ({"query": "e"}, ["new one", "middle one", "old one"]),
        ({"query": "%"}, ["middle one"]),
        ({"query": "0%_o"}, ["middle one"]),
        ({"query": "_"}, ["middle one"]),
        ({"query": "!"}, []),
        ({"query": "/über"}, ["new one"]),
        ({"query": "/ÜBERBLICK"}, ["new one"]),
        ({"query": "SHOP-2"}, ["middle one"]),
        ({"query": "shop-2"}, ["middle one"]),
        ({"query": "SHOP-22"}, []),
        ({"query": "OTHER-2"}, []),
        ({"query": "x' OR 1=1 --"}, []),
    ]
    for query, titles in expected:
        assert await shop.titles(**query) == titles, query


async def test_every_order_is_descending(shop: Shop, clock: FakeClock) -> None:
    await shop.send("often")
    clock.now += MINUTE
    for user in ("1", "2"):
        await shop.send("everybody", user={"id": user})
    clock.now += MINUTE
    await shop.send("fresh")
    clock.now += MINUTE
    for _ in range(3):
        await shop.send("often")

    assert await shop.titles() == ["often", "fresh", "everybody"]
    assert await shop.titles(sort="last_seen") == ["often", "fresh", "everybody"]
    assert await shop.titles(sort="first_seen") == ["fresh", "everybody", "often"]
    assert await shop.titles(sort="events") == ["often", "everybody", "fresh"]
    assert (await shop.titles(sort="users"))[0] == "everybody"


async def test_pages_show_everything_once_also_while_events_come_in(shop: Shop, clock: FakeClock) -> None:
    for n in range(7):
        await shop.send(f"number{n} broke")
        clock.now += 1_000 * (n % 2)  # some are last seen at the same moment

    for sort in ("last_seen", "first_seen", "events", "users"):
        before = await shop.titles(sort=sort)
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            answer = await shop.alice.get(f"{shop.url}/issues", params={"sort": sort, "limit": 2, "cursor": cursor})
            page = answer.json()
            seen += [issue["title"].removeprefix("ValueError: ") for issue in page["items"]]
            cursor = page["next_cursor"]
            clock.now += MINUTE
            await shop.send(seen[0])  # what was shown already moves up
            await shop.send(f"while{len(seen)}{sort} paging")
        assert len(seen) == len(set(seen)), sort
        assert set(before) <= set(seen), sort


async def test_a_page_has_25_items_unless_it_is_asked_for_others(shop: Shop) -> None:
    for n in range(27):
        await shop.send(f"number{n} broke")

    assert len(await shop.issues()) == 25
    assert len(await shop.issues(limit=1)) == 1
    assert len(await shop.issues(limit=100)) == 27


async def test_a_query_that_makes_no_sense_is_refused_by_its_field(shop: Shop) -> None:
    await shop.send("one")
    await shop.send("two")
    cursor = (await shop.alice.get(f"{shop.url}/issues?limit=1")).json()["next_cursor"]
    wrong = {
        "limit": ["0", "-1", "101", "x", "1e9", "99999999999999999999"],
        "status": ["closed", "UNRESOLVED", "0"],
        "level": ["3", "critical"],
        "sort": ["last_seen_at", "title", "-events"],
        "from": ["yesterday", "1790000000", "2026-13-01", "2026-01-01T99:00"],
        "to": ["now", "20260101"],
        "query": ["a\0b", "x" * 201],
        "environment": ["\0"],
        "cursor": ["x", "0", "AAAA" * 9, cursor[:-2], cursor + "AAAA", "é", "=" * 10, "A" * 5_000],
    }
    for field, values in wrong.items():
        for value in values:
            refused = await shop.alice.get(f"{shop.url}/issues", params={field: value})
            assert (refused.status_code, refused.json()["field"]) == (400, field), (field, value)
            assert refused.json()["code"] == "invalid"
    for elsewhere in (f"{shop.url}/issues?sort=events", "/api/v1/projects?limit=1"):
        refused = await shop.alice.get(f"{elsewhere}&cursor={cursor}")
        assert (refused.status_code, refused.json()["field"]) == (400, "cursor")


async def test_resolving_muting_and_reopening_are_told_with_who_did_it(shop: Shop, clock: FakeClock) -> None:
    await shop.send("cart empty")
    url = f"{shop.url}/issues/{(await only(shop))['id']}"

    clock.now += MINUTE
    resolved = (await shop.bob.patch(url, json={"status": "resolved"})).json()
    await shop.bob.patch(url, json={"status": "resolved"})
    muted = (await shop.alice.patch(url, json={"status": "muted"})).json()
    reopened = (await shop.alice.patch(url, json={"status": "unresolved"})).json()

    assert (resolved["status"], resolved["resolved_at"]) == ("resolved", to_iso(clock.now))
    assert (muted["status"], muted["resolved_at"]) == ("ignored", None)
    assert reopened["status"] == "unresolved"
    async with shop.server.house.db.read() as tx:
        told = await tx.all(
            "SELECT kind, email FROM transitions LEFT JOIN accounts ON accounts.id = account_id ORDER BY transitions.id"
        )
    assert [(row["kind"], row["email"]) for row in told] == [
        ("new", None),
        ("resolved", "bob@example.com"),
        ("ignored", "alice@example.com"),
        ("unresolved", "alice@example.com"),
    ]


async def test_a_resolved_issue_comes_back_and_says_so_until_somebody_acts(shop: Shop, clock: FakeClock) -> None:
    await shop.send("cart empty")
    url = f"{shop.url}/issues/{(await only(shop))['id']}"
    await shop.alice.patch(url, json={"status": "resolved"})
    clock.now += MINUTE
    await shop.send("cart empty")

    back = await only(shop)
    assert (back["status"], back["is_regressed"], back["event_count"]) == ("unresolved", True, 2)

    await shop.alice.patch(url, json={"status": "ignored"})
    assert (await only(shop))["is_regressed"] is False


async def test_several_issues_change_at_once_and_can_be_put_back(shop: Shop) -> None:
    for name in ("one", "two", "three"):
        await shop.send(f"{name} broke")
    ids = {issue["title"].split()[1]: issue["id"] for issue in await shop.issues()}
    await shop.alice.patch(f"{shop.url}/issues/{ids['two']}", json={"status": "resolved"})

    both = {"ids": [ids["one"], ids["two"], 404], "status": "resolved"}
    changed = (await shop.bob.patch(f"{shop.url}/issues", json=both)).json()["items"]

    assert changed == [{"id": ids["one"], "status": "resolved", "previous_status": "unresolved"}]
    assert await shop.titles(status="unresolved") == ["three broke"]
    back = [{"ids": [item["id"]], "status": item["previous_status"]} for item in changed]
    await shop.bob.patch(f"{shop.url}/issues", json=back[0])
    assert await shop.titles(status="resolved") == ["two broke"]
    assert (await shop.bob.patch(f"{shop.url}/issues", json={"ids": [404], "status": "resolved"})).status_code == 404


async def test_a_deleted_issue_is_gone_and_the_next_event_begins_another(shop: Shop, clock: FakeClock) -> None:
    event_id = await shop.send("cart empty")
    issue = await only(shop)
    url = f"{shop.url}/issues/{issue['id']}"

    assert (await shop.alice.delete(url)).status_code == 204

    assert await shop.issues() == []
    for gone in (url, f"{url}/events", f"{url}/tags", f"{shop.url}/events/{event_id}"):
        assert (await shop.alice.get(gone)).status_code == 404
    assert (await shop.alice.delete(url)).status_code == 404
    assert (await shop.alice.patch(url, json={"status": "resolved"})).status_code == 404
    clock.now += MINUTE
    await shop.send("cart empty")
    new = await only(shop)
    assert new["id"] != issue["id"]
    assert (new["short_id"], new["event_count"], new["first_seen_at"]) == ("SHOP-2", 1, to_iso(clock.now))


async def test_members_resolve_but_do_not_delete_and_strangers_see_nothing(shop: Shop) -> None:
    await shop.send("cart empty")
    url = f"{shop.url}/issues/{(await only(shop))['id']}"

    assert (await shop.bob.patch(url, json={"status": "resolved"})).status_code == 200
    assert (await shop.bob.delete(url)).status_code == 403
    for method, path in (
        ("GET", f"{shop.url}/issues"),
        ("PATCH", f"{shop.url}/issues"),
        ("GET", url),
        ("PATCH", url),
        ("DELETE", url),
        ("GET", f"{url}/events"),
        ("GET", f"{url}/tags"),
    ):
        assert (await shop.charlie.request(method, path, json={"status": "resolved"})).status_code == 404
    assert (await only(shop))["status"] == "resolved"


async def test_an_issue_is_not_found_below_another_project(shop: Shop) -> None:
    await shop.send("cart empty")
    issue_id = (await only(shop))["id"]
    other = (await shop.alice.post("/api/v1/projects", json={"name": "Other"})).json()["id"]
    elsewhere = f"/api/v1/projects/{other}/issues"

    for method, path in (
        ("GET", f"{elsewhere}/{issue_id}"),
        ("GET", f"{elsewhere}/{issue_id}/events"),
        ("GET", f"{elsewhere}/{issue_id}/tags"),
        ("PATCH", f"{elsewhere}/{issue_id}"),
        ("DELETE", f"{elsewhere}/{issue_id}"),
    ):
        assert (await shop.alice.request(method, path, json={"status": "resolved"})).status_code == 404, (method, path)
    bulk = await shop.alice.patch(elsewhere, json={"ids": [issue_id], "status": "resolved"})
    assert bulk.status_code == 404
    assert (await only(shop))["status"] == "unresolved"


async def test_a_token_does_no_more_than_its_scopes(shop: Shop) -> None:
    await shop.send("cart empty")
    url = f"{shop.url}/issues/{(await only(shop))['id']}"
    token = await shop.server.house.tokens.create("alice@example.com", ["event:read"])
    reader = shop.server.client(headers={"Authorization": f"Bearer {token}"})

    assert (await reader.get(url)).status_code == 200
    assert (await reader.patch(url, json={"status": "resolved"})).status_code == 403
    assert (await reader.patch(f"{shop.url}/issues", json={"ids": [1], "status": "resolved"})).status_code == 403
    assert (await reader.delete(url)).status_code == 403
    assert (await reader.get(f"{shop.url}/ledger")).status_code == 403


async def test_tags_come_by_key_with_their_most_frequent_values(shop: Shop) -> None:
    for n in range(12):
        await shop.send("cart empty", tags={"cart": str(n), "shop": "a" if n % 3 else "b"})

    tags = (await shop.bob.get(f"{shop.url}/issues/{(await only(shop))['id']}/tags")).json()["items"]

    by_key = {tag["key"]: tag for tag in tags}
    assert by_key["shop"]["values"] == [{"value": "a", "count": 8}, {"value": "b", "count": 4}]
    assert (by_key["cart"]["count"], by_key["cart"]["value_count"], len(by_key["cart"]["values"])) == (12, 12, 10)
    assert by_key["environment"]["values"] == [{"value": "production", "count": 12}]


async def test_a_body_that_makes_no_sense_changes_nothing(shop: Shop) -> None:
    await shop.send("cart empty")
    issue_id = (await only(shop))["id"]
    one, many = f"{shop.url}/issues/{issue_id}", f"{shop.url}/issues"
    wrong: list[tuple[str, object, str]] = [
        (one, {}, "status"),
        (one, {"status": "closed"}, "status"),
        (one, {"status": 1}, "status"),
        (one, {"status": None}, "status"),
        (one, {"status": "resolved", "title": "mine"}, "title"),
        (many, {"status": "resolved"}, "ids"),
        (many, {"ids": [], "status": "resolved"}, "ids"),
        (many, {"ids": [issue_id] * 201, "status": "resolved"}, "ids"),
        (many, {"ids": [str(issue_id)], "status": "resolved"}, "ids.0"),
        (many, {"ids": [2**63], "status": "resolved"}, "ids.0"),
        (many, {"ids": [True], "status": "resolved"}, "ids.0"),
        (many, {"ids": issue_id, "status": "resolved"}, "ids"),
    ]
    for url, body, field in wrong:
        refused = await shop.alice.patch(url, json=body)
        assert (refused.status_code, refused.json().get("field")) == (400, field), body
    for content in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"status":"resolved"',
        b'{"a":' * 9_999,
    ):
        refused = await shop.alice.patch(one, content=content)
        assert refused.status_code == 400, content[:20]
    assert (await shop.alice.patch(one, content=b" " * 3_000_000)).status_code == 413
    assert (await only(shop))["status"] == "unresolved"
    assert (
        await shop.alice.patch(one, content=b'{"status":"resolved"}', headers={"Content-Type": "x/y"})
    ).status_code == 200
