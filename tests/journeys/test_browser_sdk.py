"""@sentry/browser, unmodified, in Chromium, on a page of another origin."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from tests.journeys.account import Account, Project, crash, line_of, trace
from tests.journeys.clients import APPS, CHROMIUM, needs_browser, needs_node, run

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),  # one visit is enough
    needs_node,
    needs_browser,
]

SHOP = APPS / "browser" / "shop.js"
TYPE_ERROR = "TypeError: Cannot read properties of undefined (reading 'length')"
TOOK_LONGER = "The nightly import took longer than usual."
SITUATIONS = (
    "unhandled",
    "rejection",
    "rejection_with_object",
    "message",
    "thrown_text",
    "traced",
    "attachment",
    "feedback",
)


def visit(account: Account, situations: Iterable[str]) -> dict[str, Project]:
    """A project for each situation, after a page has been in it. No page had anything to complain about."""
    projects = {situation: account.new_project("javascript") for situation in situations}
    dsns = json.dumps({situation: project.dsn for situation, project in projects.items()})
    complaints = json.loads(run(SHOP.parent, "node", "visit.mjs", CHROMIUM, dsns))
    assert complaints == {situation: [] for situation in projects}
    return projects


@pytest.fixture(scope="module")
def visited(bugwatch: Account) -> dict[str, Project]:
    return visit(bugwatch, SITUATIONS)


def test_an_exception(either: Account) -> None:
    project = visit(either, ["plain"])["plain"]

    issue, event = project.only()
    assert (issue["title"], issue["culprit"]) == (TYPE_ERROR, "/shop.js in pay")
    assert (issue["level"], issue["is_unhandled"], issue["platform"]) == ("error", False, "javascript")
    assert trace(event)[-3:] == [
        ("Object.plain", line_of(SHOP, 'checkout("ada"); // as asked by plain')),
        ("checkout", line_of(SHOP, "return pay({ customer });")),
        ("pay", line_of(SHOP, "return cart.lines.length;")),
    ]
    assert crash(event)["colno"] == len("  return cart.lines.") + 1
    assert event["user"] == {"id": "7", "email": "ada@example.com", "ip_address": "127.0.0.1"}
    assert event["tags"] == {"shop": "eu-1"}
    assert event["request"]["url"].startswith("http://127.0.0.1:")
    assert "HeadlessChrome" in dict(event["request"]["headers"])["User-Agent"]
    project.stored(2, "session")


@pytest.mark.parametrize("situation", ["unhandled", "rejection"])
def test_an_error_that_nobody_caught(visited: dict[str, Project], situation: str) -> None:
    issue, event = visited[situation].only()

    assert (issue["title"], issue["culprit"], issue["is_unhandled"]) == (TYPE_ERROR, "/shop.js in pay", True)
    assert [function for function, _ in trace(event)] == ["", "checkout", "pay"]


def test_a_rejection_with_an_object(visited: dict[str, Project]) -> None:
    issue, _ = visited["rejection_with_object"].only()

    assert issue["title"] == "UnhandledRejection: Object captured as promise rejection with keys: code"
    assert (issue["culprit"], issue["is_unhandled"]) == ("", True)


def test_a_message_is_no_exception_although_it_carries_one(visited: dict[str, Project]) -> None:
    issue, event = visited["message"].only()

    assert (issue["title"], issue["level"]) == (TOOK_LONGER, "warning")
    assert issue["culprit"] == "/shop.js in Object.message"
    assert trace(event)[-1] == ("Object.message", line_of(SHOP, "Sentry.captureMessage("))


def test_the_sdks_own_frames_are_not_the_apps(visited: dict[str, Project]) -> None:
    issue, event = visited["thrown_text"].only()

    assert (issue["title"], issue["culprit"]) == ("Error: Payment: refused", "")
    assert trace(event) == []


def test_errors_go_on_where_traces_logs_and_replays_are_not_wanted(visited: dict[str, Project]) -> None:
    project = visited["traced"]

    assert [issue["title"] for issue in project.issues(2)] == [TYPE_ERROR, TOOK_LONGER]
    for category in ("span", "log_item", "replay"):
        booked = project.ledger(category)
        assert booked["received"] == booked["filtered"] > 0, category


def test_an_attachment_comes_back_byte_for_byte(visited: dict[str, Project]) -> None:
    _, event = visited["attachment"].only()

    visited["attachment"].stored(1, "attachment")
    assert visited["attachment"].download(event) == {"receipt.bin": b"\n\x00\xff\n"}


def test_feedback_is_kept_beside_the_errors(visited: dict[str, Project]) -> None:
    visited["feedback"].stored(1, "feedback")

    assert visited["feedback"].ledger()["received"] == 0


def test_nobody_named_is_known_by_the_address(visited: dict[str, Project]) -> None:
    issue, event = visited["unhandled"].only()

    assert issue["user_count"] == 1
    assert event["user"] == {"ip_address": "127.0.0.1"}
