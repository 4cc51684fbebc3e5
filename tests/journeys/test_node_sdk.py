"""@sentry/node, unmodified: no content type, no lengths, messages that look like exceptions, frames of async code."""

from __future__ import annotations

import pytest

from tests.journeys.account import Account, Project, crash, line_of, trace
from tests.journeys.clients import APPS, needs_node, run

pytestmark = [pytest.mark.journey, needs_node]

SHOP = APPS / "node" / "shop.mjs"
TYPE_ERROR = "TypeError: Cannot read properties of undefined (reading 'length')"
TOOK_LONGER = "The nightly import took longer than usual."


@pytest.fixture
def project(bugwatch: Account) -> Project:
    return bugwatch.new_project("node")


def act(situation: str, project: Project, code: int = 0) -> Project:
    run(SHOP.parent, "node", SHOP, situation, project.dsn, code=code)
    return project


def test_an_exception(either: Account) -> None:
    project = act("plain", either.new_project("node"))

    issue, event = project.only()
    assert (issue["title"], issue["culprit"]) == (TYPE_ERROR, "shop in pay")
    assert (issue["level"], issue["is_unhandled"], issue["platform"]) == ("error", False, "node")
    assert trace(event)[-3:] == [
        ("Object.plain", line_of(SHOP, 'checkout("ada"); // as asked by plain')),
        ("checkout", line_of(SHOP, "return pay({ customer });")),
        ("pay", line_of(SHOP, "return cart.lines.length;")),
    ]
    assert crash(event)["context_line"] == "  return cart.lines.length;"
    assert crash(event)["pre_context"][-1] == "function pay(cart) {"
    assert event["user"] == {"id": "7", "email": "ada@example.com"}
    assert event["tags"] == {"shop": "eu-1"}
    assert (event["release"], event["environment"]) == ("shop@1.4.2", "staging")
    assert event["breadcrumbs"]["values"][-1]["message"] == "opened cart 9"


def test_async_frames_lead_to_who_awaited(project: Project) -> None:
    issue, event = act("asynchronous", project).only()

    assert (issue["title"], issue["culprit"]) == (TYPE_ERROR, "shop in pay")
    assert [function for function, _ in trace(event)][-4:] == ["nightly", "settle", "checkout", "pay"]


def test_a_cause_comes_before_what_it_caused(project: Project) -> None:
    issue, event = act("caused", project).only()

    assert (issue["title"], issue["culprit"]) == ("Error: Cart 9 cannot be read", "shop in load")
    assert [link["type"] for link in event["exception"]["values"]] == ["SyntaxError", "Error"]
    assert crash(event, 0)["context_line"].strip() == 'JSON.parse("{");'


@pytest.mark.parametrize(
    ("situation", "title", "function"),
    [
        ("own_class", "OutOfStock: no more tea", "Object.own_class"),
        ("aggregate", "AggregateError: both failed", "Object.aggregate"),
        ("thrown_text", "Error: Payment: refused", "Object.thrown_text"),
        ("thrown_object", "Error: Object captured as exception with keys: code, reason", "Object.thrown_object"),
        ("thrown_nothing", "Error: undefined", "Object.thrown_nothing"),
    ],
)
def test_whatever_is_thrown_has_a_title(project: Project, situation: str, title: str, function: str) -> None:
    issue, event = act(situation, project).only()

    assert (issue["title"], issue["culprit"]) == (title, f"shop in {function}")
    assert crash(event)["function"] == function


def test_a_message_is_no_exception_although_it_carries_one(project: Project) -> None:
    issue, event = act("message", project).only()

    assert (issue["title"], issue["level"]) == (TOOK_LONGER, "warning")
    assert issue["culprit"] == "shop in Object.message"
    assert event["exception"]["values"][0]["mechanism"]["synthetic"]
    assert event["grouping"]["reason"].startswith("Grouped by the message")


def test_a_large_message_is_compressed_and_cut(project: Project) -> None:
    issue, event = act("large_message", project).only()

    assert issue["title"] == "x" * 199 + "…"
    assert {"name": "message", "reason": "cut to 32768 characters", "original_length": 100_000} in event["errors"]


@pytest.mark.parametrize(
    ("situation", "code", "title", "level"),
    [
        ("unhandled", 1, TYPE_ERROR, "fatal"),
        ("rejection", 0, TYPE_ERROR, "error"),
        ("rejection_with_text", 0, "Error: Payment: refused", "error"),
    ],
)
def test_an_error_that_nobody_caught(project: Project, situation: str, code: int, title: str, level: str) -> None:
    issue, event = act(situation, project, code).only()

    assert (issue["title"], issue["level"], issue["is_unhandled"]) == (title, level, True)
    assert event["exception"]["values"][0]["mechanism"]["handled"] is False
    project.stored(1, "session")


def test_errors_go_on_where_traces_and_logs_are_not_wanted(project: Project) -> None:
    act("traced", project)

    assert [issue["title"] for issue in project.issues(2)] == [TYPE_ERROR, TOOK_LONGER]
    for category in ("span", "log_item"):
        booked = project.ledger(category)
        assert booked["received"] == booked["filtered"] > 0


def test_an_attachment_comes_back_byte_for_byte(project: Project) -> None:
    _, event = act("attachment", project).only()

    project.stored(1, "attachment")
    assert project.download(event) == {"receipt.bin": b"\n\x00\xff\n"}


@pytest.mark.parametrize(("situation", "category", "count"), [("feedback", "feedback", 1), ("check_in", "monitor", 2)])
def test_what_is_no_error_is_kept_beside_them(project: Project, situation: str, category: str, count: int) -> None:
    act(situation, project).stored(count, category)

    assert project.ledger()["received"] == 0


def test_what_the_client_filters_is_not_received(project: Project) -> None:
    issue, _ = act("filtered_by_the_client", project).only()

    assert issue["title"] == TYPE_ERROR
