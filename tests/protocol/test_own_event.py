from __future__ import annotations

import json
from typing import Any

import pytest

from bugwatch.domain.errors import Invalid
from bugwatch.domain.event import Event
from bugwatch.protocol.event_payload import read
from bugwatch.protocol.own_event import to_sentry
from tests.conftest import NOON


def event(**body: Any) -> Event:
    return read(to_sentry(json.dumps(body).encode()), received_at=NOON)


STACK = [{"function": "first"}, {"function": "second"}]


def test_an_event_in_full() -> None:
    seen = event(
        event_id="fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0",
        timestamp="2026-09-21T12:00:00Z",
        platform="python",
        level="fatal",
        message="The cart cannot be loaded",
        exception={
            "type": "KeyError",
            "value": "'id'",
            "stacktrace": [
                {"filename": "app.py", "function": "main", "lineno": 3, "in_app": True},
                {
                    "filename": "cart.py",
                    "function": "load",
                    "lineno": 12,
                    "colno": 4,
                    "context_line": "    cart['id']",
                    "pre_context": ["def load(cart):"],
                    "post_context": [],
                    "in_app": True,
                },
            ],
        },
        breadcrumbs=[{"timestamp": "2026-09-21T11:59:59Z", "category": "cart", "message": "opened", "level": "info"}],
        tags={"shop": "eu", "attempt": 2},
        extra={"basket": [1, 2]},
        user={"id": 7, "email": "ada@example.com", "username": "ada", "plan": "pro"},
        request={"url": "https://shop.example/cart?id=9", "method": "GET", "headers": {"Accept": "*/*"}},
        environment="staging",
        release="shop@1.4.2",
        server_name="web-1",
        sdk={"name": "bugwatch.python", "version": "1.0"},
        runtime={"name": "CPython", "version": "3.11.7"},
        fingerprint=["cart", "load"],
    )

    assert seen.event_id == "fc6d8c0c43fc4630ad850ee518f1b9d0"
    assert (seen.level, seen.environment, seen.release, seen.server_name) == ("fatal", "staging", "shop@1.4.2", "web-1")
    assert seen.exceptions[0].frames[-1].context_line == "    cart['id']"
    assert seen.breadcrumbs[0].message == "opened"
    assert seen.tags == (("shop", "eu"), ("attempt", "2"))
    assert seen.user
    assert (seen.user.id, seen.user.data) == ("7", {"plan": "pro"})
    assert seen.request
    assert seen.request.query_string == (("id", "9"),)
    assert ("runtime", "CPython 3.11.7") in seen.traits
    assert (seen.sdk.name, seen.fingerprint, seen.extra) == ("bugwatch.python", ("cart", "load"), {"basket": [1, 2]})
    assert seen.notes == ()


@pytest.mark.parametrize(
    ("platform", "crash", "known_as"),
    [
        ("python", "second", "python"),
        ("go", "second", "go"),
        (None, "second", "other"),
        ("javascript", "first", "javascript"),
        ("node", "first", "node"),
        ("Browser", "first", "javascript"),
        ("nextjs", "first", "node"),
    ],
)
def test_javascript_sends_its_crash_first_and_everybody_else_last(
    platform: str | None, crash: str, known_as: str
) -> None:
    seen = event(platform=platform, exception={"type": "E", "value": "v", "stacktrace": STACK})

    assert seen.exceptions[0].frames[-1].function == crash
    assert seen.platform == known_as


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"message": 1}, "message", "`message` must be text, not a whole number."),
        ({"level": "loud"}, "level", "`level` must be fatal, error, warning, info or debug."),
        ({"level": 40}, "level", "`level` must be fatal, error, warning, info or debug."),
        ({"user": "ada"}, "user", "`user` must be an object, not text."),
        ({"tags": []}, "tags", "`tags` must be an object, not a list."),
        ({"tags": {"a": [1]}}, "tags", "`tags` must be true or false or a number or text, not a list."),
        ({"fingerprint": ["a", 1]}, "fingerprint.1", "`fingerprint.1` must be text, not a whole number."),
        ({"event_id": "zz"}, "event_id", "`event_id` must be 32 hexadecimal digits or a UUID."),
        ({"timestamp": "soon"}, "timestamp", "`timestamp` must be a time in ISO 8601, such as 2026-11-21T14:31:07Z."),
        ({"breadcrumbs": [{"data": []}]}, "breadcrumbs.0.data", "`breadcrumbs.0.data` must be an object, not a list."),
        (
            {"exception": {"stacktrace": [{}, {"lineno": "3"}]}},
            "exception.stacktrace.1.lineno",
            "`exception.stacktrace.1.lineno` must be a whole number, not text.",
        ),
    ],
)
def test_a_wrong_type_is_refused_by_the_name_of_its_field(body: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        event(**{"message": "m", **body})

    assert (refused.value.field, str(refused.value)) == (field, sentence)


def test_an_event_must_say_something() -> None:
    with pytest.raises(Invalid, match="An event needs a `message` or an `exception`"):
        event(level="error", message="", exception=None)


def test_unknown_keys_and_nulls_are_accepted() -> None:
    seen = event(
        message="m",
        level=None,
        user=None,
        exception=None,
        runtime=None,
        tomorrow={"x": 1},
        sdk={"name": "bugwatch.js", "flavour": "esm"},
        contexts={"os": {"name": "Linux"}},
    )

    assert (seen.message, seen.level, seen.user, seen.sdk.name) == ("m", "error", None, "bugwatch.js")
    assert seen.contexts == {"os": {"name": "Linux"}}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        to_sentry(body)


def test_a_nesting_bomb_costs_only_its_branch() -> None:
    body = b'{"message": "m", "extra": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"

    assert read(to_sentry(body), received_at=NOON).message == "m"
