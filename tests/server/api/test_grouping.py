"""Grouping by the API: rules tried and applied, issues merged and taken apart, and why an event is where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.server.api.conftest import Shop

RULES = "type:ValueError message:cart* -> cart"


async def test_rules_are_tried_then_applied_by_those_who_may(shop: Shop) -> None:
    await shop.send("cart empty")
    await shop.send("cart full")
    url = f"{shop.url}/grouping"
    assert (await shop.bob.get(url)).json() == {"rules": "", "rules_version": 0, "applied_at": None, "version": 1}

    tried = (await shop.alice.post(f"{url}/try", json={"rules": RULES})).json()
    assert (tried["event_count"], tried["issue_count"], len(tried["joins"][0]["issues"])) == (2, 2, 2)
    assert tried["rules"] == [{"line": 1, "text": RULES, "event_count": 2}]
    for client, status in ((shop.bob, 403), (shop.charlie, 404)):
        assert (await client.post(f"{url}/try", json={"rules": ""})).status_code == status
        assert (await client.put(url, json={"rules": ""})).status_code == status
    refused = await shop.alice.put(url, json={"rules": "what"})
    assert (refused.status_code, refused.json()["field"]) == (400, "rules")
    assert refused.json()["detail"].startswith("Line 1: ")
    assert (await shop.alice.put(url, json={"rules": "", "rules_version": 7})).status_code == 409

    applied = (await shop.alice.put(url, json={"rules": RULES, "rules_version": 0})).json()
    assert (applied["rules"], applied["rules_version"]) == (RULES, 1)
    event_id = await shop.send("cart gone")
    await shop.send("cart stolen")
    assert [issue["event_count"] for issue in await shop.issues()] == [2, 1, 1]
    grouping = (await shop.bob.get(f"{shop.url}/events/{event_id}")).json()["grouping"]
    assert (grouping["source"], grouping["rule"], grouping["leads_here"], grouping["linked_by"]) == (
        "rule",
        RULES,
        True,
        None,
    )
    [made] = (await shop.bob.get(f"{shop.url}/issues/{(await shop.issues())[0]['id']}/hashes")).json()["items"]
    assert (made["hash"], made["rule"], made["version"]) == (grouping["hash"], RULES, 1)


async def test_an_event_tells_that_rules_have_changed_since(shop: Shop) -> None:
    event_id = await shop.send("cart empty")
    await shop.alice.put(f"{shop.url}/grouping", json={"rules": RULES})

    grouping = (await shop.bob.get(f"{shop.url}/events/{event_id}")).json()["grouping"]

    assert (grouping["hash"], grouping["leads_here"]) == (None, False)


async def test_issues_are_merged_and_taken_apart(shop: Shop) -> None:
    for message in ("one", "one", "two", "three"):
        await shop.send(message)
    three, two, one = (issue["id"] for issue in await shop.issues())
    url = f"{shop.url}/issues"

    done = (await shop.bob.post(f"{url}/merge", json={"ids": [two, one]})).json()
    assert done == {"id": one, "merged": [two]}
    assert (await shop.bob.post(f"{url}/merge", json={"ids": [one], "into": three})).json()["merged"] == sorted(
        (one, two)
    )

    [root] = await shop.issues()
    assert (root["id"], root["event_count"], sorted(root["merged"])) == (three, 4, sorted((one, two)))
    member = (await shop.bob.get(f"{url}/{one}")).json()
    assert (member["event_count"], member["merged_into"], member["merged"]) == (2, three, [])
    assert len((await shop.bob.get(f"{url}/{three}/events")).json()["items"]) == 4
    assert len((await shop.bob.get(f"{url}/{one}/events")).json()["items"]) == 2
    assert [m["short_id"] for m in (await shop.bob.get(f"{url}/{three}/merged")).json()["items"]] == [
        "SHOP-1",
        "SHOP-2",
    ]
    event_id = (await shop.bob.get(f"{url}/{one}/events")).json()["items"][0]["event_id"]
    assert (await shop.bob.get(f"{shop.url}/events/{event_id}")).json()["issue_id"] == one
    await shop.bob.patch(f"{url}/{one}", json={"status": "resolved"})
    assert (await shop.bob.get(f"{url}/{three}")).json()["status"] == "resolved"
    assert (await shop.alice.delete(f"{url}/{one}")).status_code == 409

    assert (await shop.bob.post(f"{url}/{three}/unmerge", json={"ids": [one]})).json() == {"ids": [one]}
    assert (await shop.bob.post(f"{url}/{three}/unmerge", json={})).json() == {"ids": [two]}
    assert (await shop.bob.post(f"{url}/{three}/unmerge", json={})).status_code == 404
    assert {issue["id"]: issue["event_count"] for issue in await shop.issues()} == {one: 2, two: 1, three: 1}
    bodies: list[dict[str, object]] = [{"ids": [one]}, {"ids": []}, {"ids": [0]}, {"ids": ["1"]}, {}]
    for body in bodies:
        assert (await shop.bob.post(f"{url}/merge", json=body)).status_code == 400
    assert (await shop.charlie.post(f"{url}/merge", json={"ids": [one, two]})).status_code == 404
