"""Events by the API: in lists, in full, with their files. On both engines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bugwatch.domain.clock import HOUR, MINUTE, to_iso

if TYPE_CHECKING:
    from tests.conftest import FakeClock
    from tests.server.api.conftest import Shop


async def events_url(shop: Shop) -> str:
    [issue] = await shop.issues()
    return f"{shop.url}/issues/{issue['id']}/events"


async def test_the_events_of_an_issue_are_listed_newest_first(shop: Shop, clock: FakeClock) -> None:
    came = clock.now
    first = await shop.send("cart empty", timestamp=(came - HOUR) / 1000, level="warning")
    clock.now += MINUTE
    user = {"id": "7", "email": "ada@example.com", "plan": "gold"}
    second = await shop.send("cart empty", user=user, release="1.1", environment="staging")

    page = (await shop.bob.get(await events_url(shop))).json()

    assert [event["event_id"] for event in page["items"]] == [second, first]
    newest, oldest = page["items"]
    assert newest == {
        "event_id": second,
        "issue_id": (await shop.issues())[0]["id"],
        "timestamp": to_iso(clock.now),
        "received_at": to_iso(clock.now),
        "title": "ValueError: cart empty",
        "level": "error",
        "release": "1.1",
        "environment": "staging",
        "user": {"id": "7", "email": "ada@example.com"},
    }
    assert (oldest["timestamp"], oldest["received_at"]) == (to_iso(came - HOUR), to_iso(came))
    assert (oldest["user"], oldest["release"], oldest["level"]) == (None, None, "warning")


async def test_pages_of_events_show_each_once_also_while_more_come_in(shop: Shop, clock: FakeClock) -> None:
    sent = []
    for _ in range(5):
        sent.append(await shop.send())
        clock.now += 1
    url = await events_url(shop)

    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await shop.alice.get(url, params={"limit": 2, "cursor": cursor})).json()
        seen += [event["event_id"] for event in page["items"]]
        cursor = page["next_cursor"]
        await shop.send()

    assert seen == sent[::-1]


async def test_an_event_comes_in_sentrys_schema_with_why_it_is_in_its_issue(shop: Shop, clock: FakeClock) -> None:
    event_id = await shop.send("cart empty", tags={"shop": "a"}, extra={"password": "hunter2"}, level="fatal")
    [issue] = await shop.issues()

    hyphens = f"{event_id[:8]}-{event_id[8:12]}-{event_id[12:16]}-{event_id[16:20]}-{event_id[20:]}".upper()
    event = (await shop.bob.get(f"{shop.url}/events/{event_id}")).json()

    assert (await shop.bob.get(f"{shop.url}/events/{hyphens}")).json() == event
    assert event["event_id"] == event_id
    assert event["issue_id"] == issue["id"]
    assert (event["timestamp"], event["received"]) == (to_iso(clock.now), to_iso(clock.now))
    assert (event["level"], event["environment"], event["tags"]["shop"]) == ("fatal", "production", "a")
    [error] = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "cart empty")
    assert error["stacktrace"]["frames"][-1]["function"] == "cart"
    assert event["extra"] == {"password": "[Filtered]"}
    assert event["grouping"]["reason"].endswith(".")
    assert {"name", "value", "contributes", "reason"} == set(event["grouping"]["components"][0])
    assert event["grouping"]["version"] >= 1


async def test_an_event_is_not_found_elsewhere_nor_under_another_name(shop: Shop) -> None:
    event_id = await shop.send()
    other = (await shop.alice.post("/api/v1/projects", json={"name": "Other"})).json()["id"]

    for name in ("0" * 32, "x", "%00", event_id[:-1], event_id + "0", event_id.replace("a", "g") + "g", "%2e%2e"):
        assert (await shop.alice.get(f"{shop.url}/events/{name}")).status_code == 404, name
    assert (await shop.alice.get(f"/api/v1/projects/{other}/events/{event_id}")).status_code == 404
    assert (await shop.charlie.get(f"{shop.url}/events/{event_id}")).status_code == 404
    assert (await shop.charlie.get(f"{shop.url}/events/{event_id}/attachments")).status_code == 404


async def test_files_are_listed_and_can_only_be_saved(shop: Shop) -> None:
    event_id = "a" * 32
    large = bytes(range(256)) * 5_000  # more than one chunk
    await envelope(
        shop,
        {"event_id": event_id},
        ({"type": "event"}, json.dumps({"message": "with files"}).encode()),
        (
            {"type": "attachment", "filename": 'x".html\r\n<b>/é', "content_type": "text/html"},
            b"<script>alert(1)</script>",
        ),
        ({"type": "attachment", "filename": "core.bin", "attachment_type": "event.minidump"}, large),
    )
    url = f"{shop.url}/events/{event_id}/attachments"

    page, core = (await shop.bob.get(url)).json()["items"]
    assert (core["name"], core["size"], core["attachment_type"]) == ("core.bin", len(large), "event.minidump")

    saved = await shop.bob.get(f"{url}/{page['id']}")
    assert saved.content == b"<script>alert(1)</script>"
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''x%22.html")
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert saved.headers["Content-Security-Policy"] == "sandbox"
    assert (await shop.bob.get(f"{url}/{core['id']}")).content == large

    other = await shop.send()
    for wrong in (f"{url}/1", f"{url}/{2**63}", f"{shop.url}/events/{other}/attachments/{page['id']}"):
        assert (await shop.bob.get(wrong)).status_code == 404
    assert (await shop.charlie.get(f"{url}/{page['id']}")).status_code == 404


async def envelope(shop: Shop, header: dict[str, Any], *items: tuple[dict[str, Any], bytes]) -> None:
    lines = [json.dumps(header).encode()]
    for item_header, payload in items:
        lines += [json.dumps({**item_header, "length": len(payload)}).encode(), payload]
    key = shop.dsn.partition("://")[2].partition("@")[0]
    answer = await shop.server.http.post(
        f"/api/{shop.id}/envelope/?sentry_key={key}", content=b"\n".join(lines), headers={"Content-Type": ""}
    )
    assert answer.status_code == 200, answer.text
