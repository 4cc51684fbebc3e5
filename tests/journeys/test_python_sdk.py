"""sentry-sdk for Python, unmodified: what an app sends becomes the right issue: its title, culprit and frames."""

from __future__ import annotations

import sys

import pytest

from tests.journeys.account import Account, Project, crash, line_of, trace
from tests.journeys.clients import APPS, run

pytestmark = pytest.mark.journey

SHOP = APPS / "python" / "shop.py"
DIVISION = "ZeroDivisionError: division by zero"


@pytest.fixture
def project(bugwatch: Account) -> Project:
    return bugwatch.new_project("python")


def act(situation: str, project: Project, *options: str, code: int = 0) -> Project:
    run(SHOP.parent, sys.executable, SHOP, situation, project.dsn, *options, code=code)
    return project


def test_an_exception(either: Account) -> None:
    project = act("plain", either.new_project("python"))

    issue, event = project.only()
    assert (issue["title"], issue["culprit"]) == (DIVISION, "__main__ in pay")
    assert (issue["level"], issue["is_unhandled"], issue["status"]) == ("error", False, "unresolved")
    assert (issue["platform"], issue["user_count"], issue["last_release"]) == ("python", 1, "shop@1.4.2")
    assert trace(event) == [
        ("plain", line_of(SHOP, "# asked for by plain")),
        ("checkout", line_of(SHOP, "return pay(cart)")),
        ("pay", line_of(SHOP, "return 100 / len(cart)")),
    ]
    assert crash(event)["context_line"] == "    return 100 / len(cart)"
    assert crash(event)["pre_context"][-1] == "def pay(cart: list[int]) -> float:"
    assert crash(event)["vars"] == {"cart": []}
    assert event["tags"] == {"shop": "eu-1"}
    assert event["user"] == {"id": "7", "email": "ada@example.com", "data": {"plan": "pro"}}
    assert (event["release"], event["environment"], event["server_name"]) == ("shop@1.4.2", "staging", "web-1")
    assert event["contexts"]["basket"] == {"count": 0}
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["opened cart 9"]
    assert event["grouping"]["reason"] == "Grouped by the type and 3 frames of the app's own code."


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_every_compression_that_the_sdk_knows(project: Project, encoding: str) -> None:
    issue, _ = act("plain", project, encoding).only()

    assert issue["title"] == DIVISION


@pytest.mark.parametrize(
    ("situation", "code", "mechanism", "functions"),
    [
        ("unhandled", 1, "excepthook", ["<module>", "unhandled", "checkout", "pay"]),
        ("in_a_thread", 0, "threading", ["checkout", "pay"]),
    ],
)
def test_an_error_that_nobody_caught(
    project: Project, situation: str, code: int, mechanism: str, functions: list[str]
) -> None:
    issue, event = act(situation, project, code=code).only()

    assert (issue["title"], issue["culprit"], issue["is_unhandled"]) == (DIVISION, "__main__ in pay", True)
    assert event["exception"]["values"][0]["mechanism"] == {"type": mechanism, "handled": False}
    assert [function for function, _ in trace(event)][-len(functions) :] == functions


def test_a_cause_comes_before_what_it_caused(project: Project) -> None:
    issue, event = act("chained", project).only()

    assert (issue["title"], issue["culprit"]) == ("RuntimeError: The cart cannot be loaded.", "__main__ in load")
    assert [link["type"] for link in event["exception"]["values"]] == ["KeyError", "RuntimeError"]
    assert crash(event, 0)["context_line"].strip() == "return carts[cart_id]"
    assert crash(event, 1)["context_line"].strip().startswith("raise RuntimeError")


def test_an_error_while_handling_another(project: Project) -> None:
    issue, event = act("chained_by_context", project).only()

    assert (issue["title"], issue["culprit"]) == (DIVISION, "__main__ in pay")
    assert [e["type"] for e in event["exception"]["values"]] == ["KeyError", "RuntimeError", "ZeroDivisionError"]


def test_an_exception_group_of_different_errors_is_called_after_the_group(project: Project) -> None:
    issue, event = act("group", project).only()

    assert (issue["title"], issue["culprit"]) == ("ExceptionGroup: import failed", "__main__ in group")
    assert {e["type"] for e in event["exception"]["values"]} == {"KeyError", "ValueError", "ExceptionGroup"}
    assert event["exception"]["values"][-1]["mechanism"]["is_exception_group"]


def test_an_exception_group_of_one_kind_is_called_after_its_error(project: Project) -> None:
    issue, event = act("group_of_one_kind", project).only()

    assert (issue["title"], issue["culprit"]) == ("ValueError: bad row 4", "__main__ in raised")
    assert len(event["exception"]["values"]) == 3


def test_a_message(project: Project) -> None:
    issue, event = act("message", project).only()

    assert (issue["title"], issue["level"]) == ("The nightly import took longer than usual.", "warning")
    assert event["message"] == issue["title"]
    assert "exception" not in event


def test_a_message_with_its_stack_is_still_a_message(project: Project) -> None:
    issue, event = act("message_with_stack", project).only()

    assert (issue["title"], issue["culprit"]) == ("The nightly import took longer than usual.", "__main__ in message")
    assert event["threads"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "message"


def test_log_lines_with_the_same_template_are_one_issue(project: Project) -> None:
    act("log", project)

    (issue,) = project.issues(2)
    assert (issue["title"], issue["event_count"]) == ("Payment p-77 of 12 EUR failed", 2)
    first, second = project.events(issue)
    assert first["logentry"]["message"] == second["logentry"]["message"] == "Payment %s of %d EUR failed"
    assert second["logentry"]["params"] == ["p-78", 300]
    assert first["logger"] == "shop.payments"


def test_a_logged_exception_is_called_after_the_exception(project: Project) -> None:
    issue, event = act("log_exception", project).only()

    assert (issue["title"], issue["culprit"]) == (DIVISION, "__main__ in pay")
    assert event["message"] == "Could not settle p-77"


def test_the_same_bug_twice_is_one_issue_with_two_users(project: Project) -> None:
    act("same_bug_twice", project)

    (issue,) = project.issues(2)
    assert (issue["event_count"], issue["user_count"]) == (2, 2)
    assert [event["user"]["id"] for event in project.events(issue)] == ["ada", "bob"]


def test_the_apps_own_fingerprint_decides(project: Project) -> None:
    issue, event = act("own_fingerprint", project).only()

    assert issue["title"] == DIVISION
    assert event["fingerprint"] == ["checkout", "{{ error.type }}"]
    assert event["grouping"]["components"][0]["value"] == "checkout\nZeroDivisionError"


def test_an_attachment_comes_back_byte_for_byte(project: Project) -> None:
    _, event = act("attachment", project).only()

    project.stored(1, "attachment")
    assert project.download(event) == {"receipt.bin": b"total\n\x00\xff"}


@pytest.mark.parametrize(
    ("situation", "category", "count"),
    [("feedback", "feedback", 1), ("session", "session", 1), ("check_in", "monitor", 2)],
)
def test_what_is_no_error_is_kept_beside_them(project: Project, situation: str, category: str, count: int) -> None:
    act(situation, project).stored(count, category)

    assert project.ledger()["stored"] == (0 if situation == "check_in" else 1)


def test_what_the_client_filters_is_not_received(project: Project) -> None:
    issue, _ = act("filtered_by_the_client", project).only()

    assert issue["title"] == DIVISION


def test_errors_go_on_where_traces_are_not_wanted(project: Project) -> None:
    act("traced", project)

    (issue,) = project.issues(2)
    assert (issue["title"], issue["culprit"]) == (DIVISION, "/checkout")
    # The SDK is asked not to send the second one, and listens.
    traces = project.ledger("transaction")
    assert traces["received"] == traces["filtered"] == 1


def test_secrets_and_odd_values(project: Project) -> None:
    _, event = act("odd_values", project).only()

    (checkout,) = [f for f in event["exception"]["values"][0]["stacktrace"]["frames"] if f["function"] == "checkout"]
    assert checkout["vars"]["password"] == "[Filtered]"
    assert event["tags"] == {"number": "5", "shop": "eu-1"}
    assert event["extra"]["numbers"] == ["nan", "inf", 2**70, -0.0]
    assert event["extra"]["text"] == "NUL \ufffd, half a pair \ufffd, umlaut ü, 🐛"
    assert {"name": "extra.deep.a.b.c.d", "reason": "removed by the SDK (!limit)"} in event["errors"]


def test_a_large_value_is_cut_and_says_so(project: Project) -> None:
    issue, event = act("large", project).only()

    assert issue["title"].startswith("ValueError: xxx")
    assert len(issue["title"]) == 200
    cut = {"name": "exception.values.0.value", "reason": "cut to 32768 characters", "original_length": 100_000}
    assert cut in event["errors"]


@pytest.mark.parametrize(
    ("shop", "culprits"),
    [
        ("django_shop", ["/product/{name}", "/closed"]),
        ("flask_shop", ["product", "generic WSGI request"]),
    ],
)
def test_an_error_in_a_web_app(project: Project, shop: str, culprits: list[str]) -> None:
    app = SHOP.with_name(f"{shop}.py")
    run(app.parent, sys.executable, "web_shop.py", shop, project.dsn, "/product/tea?colour=green", "/closed")

    in_view, in_middleware = project.issues(2)
    assert [in_view["title"], in_middleware["title"]] == ["KeyError: 'tea'", "PermissionError: The shop is closed."]
    assert [in_view["culprit"], in_middleware["culprit"]] == culprits
    assert in_view["is_unhandled"]
    (event,) = project.events(in_view)
    assert [function for function, _ in trace(event)] == ["product", "price"]
    assert crash(event)["lineno"] == line_of(app, "return prices[name]")
    request = event["request"]
    assert (request["method"], request["query_string"]) == ("GET", [["colour", "green"]])
    assert request["url"].endswith("/product/tea")
    assert ["Authorization", "[Filtered]"] in request["headers"]
    assert request["cookies"] == [["session", "[Filtered]"]]
    assert event["user"]["ip_address"] == "127.0.0.1"
    project.stored(1, "session")
