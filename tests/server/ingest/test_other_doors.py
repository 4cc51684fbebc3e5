"""The other ways in: one event, what browsers report on their own, and Bugwatch's own API."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from bugwatch.domain.outcome import Category
from tests.server.ingest.conftest import Sender, envelope, error


@pytest.mark.parametrize("pack", [bytes, base64.b64encode, lambda raw: base64.b64encode(zlib.compress(raw))])
async def test_one_event_is_stored_however_it_is_packed(sender: Sender, pack) -> None:  # type: ignore[no-untyped-def]
    event = error("GoError", "nil")
    response = await sender.post(pack(json.dumps(event).encode()), path=f"/api/{sender.project_id}/store/")

    assert (response.status_code, response.json()) == (200, {"id": event["event_id"]})
    assert await sender.totals() == {"received": 1, "stored": 1}


async def test_the_key_alone_tells_the_project_at_the_old_address(sender: Sender) -> None:
    response = await sender.post(json.dumps(error()), path="/api/store/")

    assert response.status_code == 200
    assert await sender.totals() == {"received": 1, "stored": 1}


async def test_a_store_body_may_be_an_envelope_after_all(sender: Sender) -> None:
    headers = {**sender.auth, "Content-Type": "application/x-sentry-envelope"}
    response = await sender.post(envelope(("event", error())), path=f"/api/{sender.project_id}/store/", headers=headers)

    assert response.status_code == 200


async def test_an_event_in_the_query_is_answered_with_an_image(sender: Sender) -> None:
    data = base64.urlsafe_b64encode(json.dumps(error()).encode()).decode()
    response = await sender.server.http.get(
        f"/api/{sender.project_id}/store/", params={"sentry_data": data, "sentry_key": sender.key}
    )

    assert (response.status_code, response.headers["content-type"]) == (200, "image/gif")
    assert await sender.totals() == {"received": 1, "stored": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"x" * 100])
async def test_a_store_body_that_is_no_event_is_a_400(sender: Sender, body: bytes) -> None:
    response = await sender.post(body, path=f"/api/{sender.project_id}/store/")

    assert response.status_code == 400
    assert response.headers["x-sentry-error"]


CSP = {
    "csp-report": {
        "document-uri": "https://shop.example/cart",
        "effective-directive": "script-src",
        "blocked-uri": "https://evil.example/a.js",
        "violated-directive": "script-src 'self'",
    }
}


async def test_a_security_report_is_an_issue_by_directive_and_host(sender: Sender) -> None:
    for _ in range(2):
        response = await sender.post(
            json.dumps(CSP),
            path=f"/api/{sender.project_id}/security/?sentry_key={sender.key}&sentry_release=1.0",
            headers={"Content-Type": "application/csp-report"},
        )
        assert (response.status_code, response.content) == (200, b"")

    [issue] = await sender.rows("SELECT title, event_count FROM issues")
    assert (issue["title"], issue["event_count"]) == ("Blocked 'script' from 'evil.example'", 2)
    assert await sender.totals(Category.SECURITY) == {"received": 2, "stored": 2}


async def test_noise_of_browser_extensions_is_filtered(sender: Sender) -> None:
    noise = {"csp-report": {**CSP["csp-report"], "blocked-uri": "chrome-extension://abc"}}
    await sender.post(
        json.dumps(noise),
        path=f"/api/{sender.project_id}/csp-report/?sentry_key={sender.key}",
        headers={"Content-Type": "application/csp-report"},
    )

    assert await sender.totals(Category.SECURITY) == {"received": 1, "filtered": 1}


async def test_a_report_of_an_unknown_kind_is_a_415(sender: Sender) -> None:
    response = await sender.post(
        "<xml/>",
        path=f"/api/{sender.project_id}/security/?sentry_key={sender.key}",
        headers={"Content-Type": "text/xml"},
    )

    assert response.status_code == 415


OWN = {
    "event_id": "5" * 32,
    "platform": "javascript",
    "level": "error",
    "exception": {
        "type": "TypeError",
        "value": "x is undefined",
        "stacktrace": [
            {"filename": "/app/cart.js", "function": "total", "lineno": 3, "colno": 1, "in_app": True},
            {"filename": "/app/main.js", "function": "main", "lineno": 9, "colno": 1, "in_app": True},
        ],
    },
    "environment": "staging",
}


async def test_our_own_api_takes_an_event_with_innermost_frames_first(sender: Sender) -> None:
    response = await sender.post(json.dumps(OWN), path="/api/v1/events", headers={"X-API-Key": sender.api_key})

    assert (response.status_code, response.json()) == (202, {"id": "5" * 32})
    [issue] = await sender.rows("SELECT title, culprit FROM issues")
    assert (issue["title"], issue["culprit"]) == ("TypeError: x is undefined", "/app/cart.js in total")


async def test_our_own_api_names_the_field_that_is_wrong(sender: Sender) -> None:
    headers = {"Authorization": f"Bearer {sender.api_key}"}
    response = await sender.post(json.dumps({**OWN, "level": 7}), path="/api/v1/events", headers=headers)

    assert (response.status_code, response.json()["field"]) == (400, "level")


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "bw_live_nobody"}, {"Authorization": "Basic x"}])
async def test_our_own_api_wants_its_key(sender: Sender, headers: dict[str, str]) -> None:
    response = await sender.post(json.dumps(OWN), path="/api/v1/events", headers=headers)

    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_browser_may_ask_our_own_api_first(sender: Sender) -> None:
    response = await sender.server.http.options(
        "/api/v1/events", headers={"Access-Control-Request-Headers": "x-api-key,x-bugwatch-sdk"}
    )

    assert response.status_code == 204
    assert response.headers["access-control-allow-headers"] == "x-api-key,x-bugwatch-sdk"
