"""Projects by the API: made, seen by those who may, changed, their keys rotated, deleted. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugwatch.domain.account import Role
from bugwatch.domain.clock import DAY, HOUR

if TYPE_CHECKING:
    from tests.conftest import FakeClock
    from tests.server.api.conftest import Shop
    from tests.server.conftest import People

PROJECTS = "/api/v1/projects"


async def store(shop: Shop, dsn: str) -> int:
    """The status that an SDK with this DSN gets."""
    key = dsn.partition("://")[2].partition("@")[0]
    answer = await shop.server.http.post(f"/api/{shop.id}/store/?sentry_key={key}", json={"message": "hello"})
    return answer.status_code


async def report(shop: Shop, api_key: str) -> int:
    """The status that a client of our own event API gets."""
    answer = await shop.server.http.post("/api/v1/events", json={"message": "hi"}, headers={"X-API-Key": api_key})
    return answer.status_code


async def test_a_new_project_takes_events_by_its_dsn_and_by_its_api_key(shop: Shop) -> None:
    made = (await shop.alice.post(PROJECTS, json={"name": "  Zürich   Shop "})).json()

    assert (made["slug"], made["name"], made["platform"]) == ("zurich-shop", "Zürich Shop", "other")
    assert made["created_at"].endswith("Z")
    assert made["first_event_at"] is None
    assert await store(shop, shop.dsn) == 200
    assert await report(shop, shop.api_key) == 202
    assert (await shop.alice.get(shop.url)).json()["first_event_at"] is not None


async def test_members_see_the_projects_and_strangers_see_nothing(shop: Shop) -> None:
    for client, seen in ((shop.alice, 1), (shop.bob, 1), (shop.charlie, 0)):
        assert len((await client.get(PROJECTS)).json()["items"]) == seen
        assert (await client.get(shop.url)).status_code == (200 if seen else 404)
        assert (await client.get(f"{shop.url}/keys")).status_code == (200 if seen else 404)


async def test_a_member_who_is_not_on_the_list_of_a_project_does_not_see_it(shop: Shop, people: People) -> None:
    alice = await people.alice()
    caller = await people.caller(alice)
    await shop.server.house.members.set_project_members(caller, next(iter(caller.roles)), shop.id, [alice.id])

    assert (await shop.bob.get(shop.url)).status_code == 404
    assert (await shop.alice.get(shop.url)).status_code == 200


async def test_a_member_changes_nothing_and_a_stranger_learns_nothing(shop: Shop) -> None:
    attempts = [
        ("POST", PROJECTS, {"name": "Mine"}),
        ("PATCH", shop.url, {"name": "Mine"}),
        ("POST", f"{shop.url}/keys", {}),
        ("DELETE", shop.url, None),
    ]
    for method, url, body in attempts:
        assert (await shop.bob.request(method, url, json=body)).status_code == 403
        if url != PROJECTS:
            assert (await shop.charlie.request(method, url, json=body)).status_code == 404
    assert (await shop.alice.get(shop.url)).json()["name"] == "Shop"
    assert await store(shop, shop.dsn) == 200


async def test_an_admin_may_do_what_an_owner_may_with_projects(shop: Shop, people: People) -> None:
    alice = await people.alice()
    caller = await people.caller(alice)
    bob = await people.bob()
    await shop.server.house.members.set_role(caller, next(iter(caller.roles)), bob.id, Role.ADMIN)

    assert (await shop.bob.post(PROJECTS, json={"name": "Bob's"})).status_code == 201
    assert (await shop.bob.delete(shop.url)).status_code == 204


async def test_projects_come_in_pages(shop: Shop) -> None:
    for name in ("Two", "Three", "Four", "Five"):
        await shop.alice.post(PROJECTS, json={"name": name})

    names, cursor = [], ""
    while cursor is not None:
        page = (await shop.alice.get(PROJECTS, params={"limit": 2, "cursor": cursor})).json()
        names += [project["name"] for project in page["items"]]
        cursor = page["next_cursor"]

    assert names == ["Shop", "Two", "Three", "Four", "Five"]


async def test_a_name_that_is_taken_is_refused_by_its_field(shop: Shop) -> None:
    taken = await shop.alice.post(PROJECTS, json={"name": "SHOP!"})

    assert taken.status_code == 409
    assert taken.json()["field"] == "name"


async def test_a_name_in_another_script_gets_an_address_all_the_same(shop: Shop) -> None:
    slugs = [
        (await shop.alice.post(PROJECTS, json={"name": name})).json()["slug"] for name in ("Магазин", "Магазин", "店")
    ]

    assert len(set(slugs)) == 3
    assert all(slug.startswith("project-") for slug in slugs)


WRONG_PROJECTS: list[tuple[dict[str, object], str]] = [
    ({}, "name"),
    ({"name": ""}, "name"),
    ({"name": " \n"}, "name"),
    ({"name": "!!!"}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"name": 7}, "name"),
    ({"name": None}, "name"),
    ({"name": ["a"]}, "name"),
    ({"name": "a", "platform": "no such; platform"}, "platform"),
    ({"name": "a", "platform": ""}, "platform"),
    ({"name": "a", "organization_id": "1"}, "organization_id"),
    ({"name": "a", "nme": "typo"}, "nme"),
]
WRONG_SETTINGS: list[tuple[dict[str, object], str]] = [
    ({"rate_limit": -1}, "rate_limit"),
    ({"rate_limit": 10**12}, "rate_limit"),
    ({"rate_limit": 1.5}, "rate_limit"),
    ({"rate_limit": True}, "rate_limit"),
    ({"scrub_keys": "iban"}, "scrub_keys"),
    ({"scrub_keys": [""]}, "scrub_keys"),
    ({"scrub_keys": ["x" * 101]}, "scrub_keys"),
    ({"safe_keys": [str(n) for n in range(101)]}, "safe_keys"),
    ({"slug": "other"}, "slug"),
    ({"name": ""}, "name"),
]
WRONG_ROTATIONS: list[tuple[dict[str, object], str]] = [
    ({"overlap_hours": 721}, "overlap_hours"),
    ({"overlap_hours": -1}, "overlap_hours"),
    ({"overlap_hours": "24"}, "overlap_hours"),
    ({"kind": "secret"}, "kind"),
]


async def test_what_makes_no_sense_changes_nothing_and_its_field_is_named(shop: Shop) -> None:
    before = [(await shop.alice.get(url)).json() for url in (PROJECTS, f"{shop.url}/keys")]
    attempts = [
        *(("POST", PROJECTS, *wrong) for wrong in WRONG_PROJECTS),
        *(("PATCH", shop.url, *wrong) for wrong in WRONG_SETTINGS),
        *(("POST", f"{shop.url}/keys", *wrong) for wrong in WRONG_ROTATIONS),
    ]
    for method, url, body, field in attempts:
        refused = await shop.alice.request(method, url, json=body)

        assert (refused.status_code, refused.json()["field"]) == (400, field), (body, refused.text)
        assert refused.json()["detail"].endswith(".")

    assert [(await shop.alice.get(url)).json() for url in (PROJECTS, f"{shop.url}/keys")] == before


async def test_settings_change_one_by_one_and_the_rest_stays(shop: Shop) -> None:
    changed = await shop.alice.patch(shop.url, json={"rate_limit": 100, "scrub_keys": ["iban", " iban ", "tax_id"]})
    assert (changed.json()["rate_limit"], changed.json()["scrub_keys"]) == (100, ["iban", "tax_id"])

    again = await shop.alice.patch(shop.url, json={"name": "The Shop", "rate_limit": None})

    assert again.status_code == 200
    seen = (await shop.bob.get(shop.url)).json()
    assert seen == again.json()
    assert (seen["name"], seen["slug"], seen["rate_limit"]) == ("The Shop", "shop", None)
    assert seen["scrub_keys"] == ["iban", "tax_id"]


async def test_a_new_scrub_key_counts_for_the_next_event_and_for_reading_old_ones(shop: Shop) -> None:
    old = await shop.send(extra={"iban": "CH93 0076"})
    await shop.alice.patch(shop.url, json={"scrub_keys": ["iban"]})
    new = await shop.send(extra={"iban": "CH93 0077"})

    for event_id in (old, new):
        event = (await shop.alice.get(f"{shop.url}/events/{event_id}")).json()
        assert event["extra"]["iban"] == "[Filtered]"


async def test_a_rotated_dsn_works_beside_the_new_one_until_the_overlap_ends(shop: Shop, clock: FakeClock) -> None:
    rotated = await shop.alice.post(f"{shop.url}/keys")

    assert rotated.status_code == 201
    new = rotated.json()["dsn"]
    assert new != shop.dsn
    assert (await shop.alice.get(shop.url)).json()["dsn"] == new
    assert (await store(shop, shop.dsn), await store(shop, new)) == (200, 200)

    clock.now += DAY
    assert (await store(shop, shop.dsn), await store(shop, new)) == (403, 200)
    assert await report(shop, shop.api_key) == 202


async def test_without_overlap_every_older_key_ends_at_once(shop: Shop) -> None:
    second = (await shop.alice.post(f"{shop.url}/keys", json={"overlap_hours": 720})).json()["dsn"]
    third = (await shop.alice.post(f"{shop.url}/keys", json={"overlap_hours": 0})).json()["dsn"]

    assert [await store(shop, dsn) for dsn in (shop.dsn, second, third)] == [403, 403, 200]


async def test_a_longer_overlap_does_not_bring_a_key_back(shop: Shop, clock: FakeClock) -> None:
    await shop.alice.post(f"{shop.url}/keys", json={"overlap_hours": 1})
    await shop.alice.post(f"{shop.url}/keys", json={"overlap_hours": 720})

    clock.now += HOUR
    assert await store(shop, shop.dsn) == 403


async def test_a_rotated_api_key_is_shown_once_and_replaces_the_old_one(shop: Shop, clock: FakeClock) -> None:
    rotated = (await shop.alice.post(f"{shop.url}/keys", json={"kind": "api", "overlap_hours": 1})).json()

    assert rotated["api_key"].startswith("bw_live_")
    assert rotated["dsn"] is None
    assert (await report(shop, shop.api_key), await report(shop, rotated["api_key"])) == (202, 202)
    assert rotated["api_key"] not in (await shop.alice.get(f"{shop.url}/keys")).text

    clock.now += HOUR + 5_000
    assert (await report(shop, shop.api_key), await report(shop, rotated["api_key"])) == (401, 202)


async def test_keys_are_listed_with_what_became_of_them(shop: Shop, clock: FakeClock) -> None:
    await shop.alice.post(f"{shop.url}/keys", json={"overlap_hours": 1})
    clock.now += 2 * HOUR

    keys = (await shop.bob.get(f"{shop.url}/keys")).json()["items"]

    assert [(key["kind"], key["is_active"]) for key in keys] == [("dsn", True), ("dsn", False), ("api", True)]
    assert keys[1]["dsn"] == shop.dsn
    assert keys[2]["hint"] == shop.api_key[-4:]


async def test_a_deleted_project_is_gone_at_once_and_its_name_is_free(shop: Shop) -> None:
    event_id = await shop.send()

    assert (await shop.alice.delete(shop.url)).status_code == 204

    for url in ("", "/keys", "/issues", f"/events/{event_id}", "/ledger"):
        assert (await shop.alice.get(shop.url + url)).status_code == 404
    assert (await shop.alice.get(PROJECTS)).json()["items"] == []
    assert await store(shop, shop.dsn) == 403
    assert await report(shop, shop.api_key) == 401
    again = await shop.alice.post(PROJECTS, json={"name": "Shop"})
    assert (again.status_code, again.json()["slug"]) == (201, "shop")
