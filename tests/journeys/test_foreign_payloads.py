"""Events that no client of ours sends: each is answered, booked, shown by the API, and on every page that shows it.

`make prove` tries many more (`BUGWATCH_EXAMPLES`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from tests.journeys import foreign_events
from tests.journeys.account import Account, Project

pytestmark = pytest.mark.journey

EXAMPLES = int(os.environ.get("BUGWATCH_EXAMPLES", "40"))


@pytest.fixture(scope="module")
def project(bugwatch: Account) -> Project:
    return bugwatch.new_project("other")


@pytest.fixture(scope="module")
def http(project: Project) -> Iterator[httpx.Client]:
    """An SDK and a browser in one: it sends without cookies, and looks at pages as Alice."""
    with httpx.Client(base_url=str(project.api.base_url).removesuffix("/api/v1/"), trust_env=False, timeout=60) as http:
        form = re.search(r'name="csrf" value="([^"]+)"', http.get("/login").text)
        assert form
        person = {"email": "alice@example.com", "password": "a long enough sentence", "csrf": form[1]}
        assert http.post("/login", data=person).status_code in (302, 303)
        yield http


def post(http: httpx.Client, project: Project, payload: bytes) -> httpx.Response:
    body = b"\n".join((b"{}", json.dumps({"type": "event", "length": len(payload)}).encode(), payload))
    return http.post(f"/api/{project.id}/envelope/?sentry_key={project.key}", content=body)


def shown(http: httpx.Client, project: Project, payload: bytes) -> dict[str, Any]:
    """The event after it was sent: accepted, stored, and open in the API and on every page that shows it."""
    before = project.ledger()
    answer = post(http, project, payload)
    assert answer.status_code == 200, answer.text
    after = project.ledger()
    assert after["received"] == before["received"] + 1
    assert after["stored"] + after["duplicate"] == before["stored"] + before["duplicate"] + 1
    event = project.event(answer.json()["id"])
    issue = project.api.get(f"/projects/{project.id}/issues/{event['issue_id']}").raise_for_status().json()
    assert issue["title"]
    events = project.api.get(f"/projects/{project.id}/issues/{issue['id']}/events?limit=5").raise_for_status().json()
    own = [listed for listed in events["items"] if listed["event_id"] == event["event_id"]]
    place = f"/issues/{issue['id']}"
    for page in (place, f"{place}/events/{event['event_id']}", f"{place}/events/{event['event_id']}/json"):
        assert http.get(page).status_code == 200, page
    return event | {"title": own[0]["title"] if own else issue["title"]}


@pytest.mark.parametrize(("payload", "title"), foreign_events.ODD.values(), ids=foreign_events.ODD)
def test_odd_events_are_stored_and_shown(
    http: httpx.Client, project: Project, payload: dict[str, Any], title: str | None
) -> None:
    event = shown(http, project, json.dumps(payload).encode())

    assert title is None or event["title"] == title


@pytest.mark.parametrize("payload", foreign_events.RAW.values(), ids=foreign_events.RAW)
def test_odd_json_is_read(http: httpx.Client, project: Project, payload: bytes) -> None:
    assert shown(http, project, payload)["title"] == "m"


@pytest.mark.parametrize("payload", foreign_events.NO_EVENT.values(), ids=foreign_events.NO_EVENT)
def test_what_is_no_event_is_booked_as_invalid(http: httpx.Client, project: Project, payload: bytes) -> None:
    before = project.ledger()

    answer = post(http, project, payload)
    stored = http.post(f"/api/{project.id}/store/?sentry_key={project.key}", content=payload)

    assert (answer.status_code, stored.status_code) == (200, 400)
    assert stored.json()["detail"]
    after = project.ledger()
    assert after["stored"] == before["stored"]
    assert after["invalid"] - before["invalid"] == after["received"] - before["received"] >= 1


@pytest.mark.parametrize("payload", foreign_events.NO_EVENT.values(), ids=foreign_events.NO_EVENT)
@pytest.mark.parametrize("item", ["session", "check_in", "user_report", "feedback", "client_report", "raw_security"])
def test_no_other_item_breaks_the_door(http: httpx.Client, project: Project, item: str, payload: bytes) -> None:
    body = b"\n".join((b"{}", json.dumps({"type": item, "length": len(payload)}).encode(), payload))
    answer = http.post(f"/api/{project.id}/envelope/?sentry_key={project.key}", content=body)

    assert answer.status_code == 200
    for category in ("session", "monitor", "feedback", "security"):
        project.ledger(category)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(payload=foreign_events.events)
def test_whatever_the_schema_allows_is_stored_and_shown(
    http: httpx.Client, project: Project, payload: dict[str, Any]
) -> None:
    shown(http, project, json.dumps(payload).encode())
