"""The event as a whole: what real clients' payloads become, and the rules of its root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bugwatch.domain.clock import DAY, HOUR, SECOND
from bugwatch.domain.errors import Invalid
from bugwatch.domain.event import Event, Level, Note
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_payload import kind_of, read, skim, with_address
from tests.conftest import NOON

FIXTURES = Path(__file__).parents[1] / "fixtures" / "events"


def event(**fields: Any) -> Event:
    return read(json.dumps(fields).encode(), received_at=NOON)


def recorded(name: str) -> Event:
    return read((FIXTURES / f"{name}.json").read_bytes(), received_at=NOON, remote_addr="198.51.100.4")


def reasons(of: Event, path: str) -> list[str]:
    return [note.reason for note in of.notes if note.path == path]


@pytest.mark.parametrize(
    ("name", "types", "crash"),
    [
        ("python-plain", ["ValueError"], ("plain", "__main__", True)),
        ("python-chained", ["KeyError", "RuntimeError"], ("chained", "__main__", True)),
        ("python-exception-group", ["KeyError", "ValueError", "ExceptionGroup"], ("exception_group", "__main__", True)),
        ("python-log-exception", ["ZeroDivisionError"], ("log_exception", "__main__", True)),
        ("python-django", ["KeyError"], ("convert", "__main__", True)),
        ("python-flask", ["TypeError"], ("cart", "__main__", True)),
        ("node-message", [""], ("watch", "queue", True)),
        ("browser-error", ["TypeError"], ("r", "", True)),
        ("go-error", ["*errors.errorString", "*fmt.wrapError"], ("main", "main", True)),
        ("php-error", ["InvalidArgumentException"], ("Shop\\Cart::add", "", True)),
        ("ruby-message", ["ZeroDivisionError"], ("perform", "", True)),
        ("raven-legacy", ["ValueError"], ("total", "", None)),
        ("cocoa-native", ["EXC_BAD_ACCESS"], ("-[Cart total]", "", True)),
    ],
)
def test_real_clients_exceptions_come_oldest_first_and_crash_last(
    name: str, types: list[str], crash: tuple[str, str, bool | None]
) -> None:
    seen = recorded(name)
    last = seen.exceptions[-1].frames[-1]

    assert [exception.type for exception in seen.exceptions] == types
    assert (last.function, last.module, last.in_app) == crash


@pytest.mark.parametrize(
    ("name", "message", "template"),
    [
        ("python-message", "The nightly import took longer than usual.", ""),
        ("python-log", "Payment p-77 of 12 EUR failed", "Payment %s of %d EUR failed"),
        ("python-log-exception", "Could not settle ada", "Could not settle %(who)s"),
        ("node-message", "The queue is 5 minutes behind", ""),
        ("java-message", "Stock of A1 is low", ""),
        ("sentry-cli-message", "Deploy of shop failed", ""),
        ("ruby-message", "", ""),
    ],
)
def test_real_clients_messages(name: str, message: str, template: str) -> None:
    seen = recorded(name)

    assert (seen.message, seen.message_template) == (message, template)


def test_a_message_with_a_stack_keeps_it_with_its_thread() -> None:
    for name in ("python-message", "java-message"):
        seen = recorded(name)
        assert seen.exceptions == ()
        assert [thread.is_current for thread in seen.threads if thread.frames] == [True]


def test_a_django_event_in_full() -> None:
    seen = recorded("python-django")

    assert seen.transaction == "/orders/{number}/pay"
    assert seen.request
    assert (seen.request.method, seen.request.url) == ("POST", "http://shop.example/orders/17/pay")
    assert ("source", "mail") in seen.request.query_string
    assert seen.request.cookies == (("theme", "dark"),)
    assert seen.request.data == {"card": {"brand": "visa", "holder": "Ada Lovelace"}, "accepted": True}
    assert seen.user
    assert (seen.user.identity, seen.user.username) == ("42", "ada")
    assert len(seen.breadcrumbs) == 8
    assert seen.exceptions[0].frames[-1].vars["currency"] == "'GBP'"
    assert (
        seen.exceptions[0].frames[-1].context_line
        == "        return round(amount * rates[currency], precision[currency])"
    )


def test_skimming_leaves_the_stacks_of_threads_that_only_stood_by() -> None:
    stack = {"stacktrace": {"frames": [{"function": "f"}]}}
    raw = json.dumps(
        {"threads": [{"id": 1, **stack}, {"id": 2, "crashed": True, **stack}, {"id": 3, "current": True, **stack}]}
    )

    assert [len(thread.frames) for thread in skim(raw.encode(), received_at=NOON).threads] == [0, 1, 1]
    assert [len(thread.frames) for thread in read(raw.encode(), received_at=NOON).threads] == [1, 1, 1]


def test_an_old_client_is_understood_under_the_old_names() -> None:
    seen = recorded("raven-legacy")

    assert seen.level == Level.ERROR
    assert seen.request
    assert (seen.request.method, seen.request.query_string) == ("GET", (("x", "1"),))
    assert seen.user
    assert seen.user.data == {"is_authenticated": True}
    assert seen.tags == (("browser", "Firefox"), ("shop", "eu 1"), ("t2", "5"))
    assert seen.fingerprint == ("2f6b1d9c",)
    assert seen.exceptions[0].frames[0].lineno == 17


def test_todays_name_wins_over_the_old_one() -> None:
    assert event(**{"user": {"id": 1}, "sentry.interfaces.User": {"id": 2}}).user == event(user={"id": 1}).user
    assert event(**{"user": None, "sentry.interfaces.User": {"id": 2}}).user == event(user={"id": 2}).user


@pytest.mark.parametrize("way", [skim, read])
@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"null", b"\x00\x01", b"[" * 1_000_000, b'{"a":' * 1_000_000])
def test_what_is_no_json_object_is_invalid(way: Any, raw: bytes) -> None:
    with pytest.raises(Invalid):
        way(raw, received_at=NOON)


def test_an_empty_object_is_an_event() -> None:
    assert event() == Event(happened_at=NOON)


def test_a_nesting_bomb_leaves_the_rest_of_the_event() -> None:
    raw = b'{"extra": ' + b"[" * 300_000 + b"]" * 300_000 + b', "message": "alive"}'

    assert skim(raw, received_at=NOON).message == "alive"
    assert reasons(read(raw, received_at=NOON), "") == ["what was nested deeper than 128 levels was cut"]


@pytest.mark.parametrize(
    ("header", "payload", "event_id"),
    [
        ("A" * 32, "b" * 32, "a" * 32),
        (None, "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0", "fc6d8c0c43fc4630ad850ee518f1b9d0"),
        ("short", "b" * 32, "b" * 32),
        (None, None, ""),
        (None, 12, ""),
        (None, "x" * 32, ""),
    ],
)
def test_the_envelopes_event_id_wins_and_a_bad_one_is_none(header: str | None, payload: Any, event_id: str) -> None:
    assert (
        skim(json.dumps({"event_id": payload}).encode(), received_at=NOON, header_event_id=header).event_id == event_id
    )


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("debug", "debug"),
        ("info", "info"),
        ("warning", "warning"),
        ("error", "error"),
        ("fatal", "fatal"),
        ("WARNING", "warning"),
        ("warn", "warning"),
        ("log", "info"),
        ("critical", "fatal"),
        (10, "debug"),
        (30, "warning"),
        ("50", "fatal"),
        (None, "error"),
        ("", "error"),
        ("loud", "error"),
        (35, "error"),
        ([], "error"),
        (True, "error"),
    ],
)
def test_levels_in_every_spelling(value: Any, level: str) -> None:
    assert event(level=value).level == level


def test_an_unknown_level_is_noted() -> None:
    assert event(level="loud").notes == (Note("level", "not a level; taken as error"),)
    assert event(level="warn").notes == ()


@pytest.mark.parametrize(
    ("fields", "environment"),
    [
        ({}, "production"),
        ({"environment": ""}, "production"),
        ({"environment": None}, "production"),
        ({"environment": " qa "}, "qa"),
        ({"tags": {"environment": "qa"}}, "qa"),
        ({"environment": "live", "tags": {"environment": "qa"}}, "live"),
    ],
)
def test_environment_comes_from_its_field_or_its_tag_or_is_production(fields: dict[str, Any], environment: str) -> None:
    seen = event(**fields)

    assert seen.environment == environment
    assert seen.tags == ()


@pytest.mark.parametrize(
    ("release", "kept"),
    [(" shop@1.4.2+7 ", "shop@1.4.2+7"), ("a/b", "a/b"), (2, "2"), (None, ""), ({}, ""), ("1\n2", "1 2")],
)
def test_a_release_is_kept_as_given_but_trimmed(release: Any, kept: str) -> None:
    assert event(release=release).release == kept


@pytest.mark.parametrize(
    ("platform", "known"), [("python", "python"), ("Node", "node"), ("cobol", "other"), (None, "other"), (7, "other")]
)
def test_an_unknown_platform_is_other(platform: Any, known: str) -> None:
    assert event(platform=platform).platform == known


def test_without_a_timestamp_the_time_of_receipt_counts() -> None:
    assert event().happened_at == NOON


@pytest.mark.parametrize(
    "timestamp", [(NOON + 61 * SECOND) / 1000, "1999-12-31T23:59:59Z", "tomorrow", "1795271467", [], True]
)
def test_a_time_that_cannot_be_is_replaced_and_noted(timestamp: Any) -> None:
    seen = event(timestamp=timestamp)

    assert seen.happened_at == NOON
    assert [reason.endswith("replaced by the time of receipt") for reason in reasons(seen, "timestamp")] == [True]


def test_an_old_event_keeps_its_time() -> None:
    assert event(timestamp=(NOON - 400 * DAY) / 1000).happened_at == NOON - 400 * DAY


def test_a_sender_whose_clock_is_off_is_moved_with_its_breadcrumbs() -> None:
    fields = {
        "timestamp": (NOON - 3 * HOUR - 1000) / 1000,
        "breadcrumbs": [{"timestamp": (NOON - 3 * HOUR - 5000) / 1000}],
    }

    seen = read(json.dumps(fields).encode(), received_at=NOON, sent_at=NOON - 3 * HOUR)

    assert seen.happened_at == NOON - 1000
    assert seen.breadcrumbs[0].timestamp == NOON - 5000
    assert reasons(seen, "timestamp") == ["moved by 10800 seconds, because the sender's clock is off by so much"]


@pytest.mark.parametrize(
    ("fingerprint", "kept"),
    [
        ([], ()),
        (None, ()),
        ("checkout", ()),
        (["{{ default }}", 5, True, 1.5, None, "", {"a": 1}], ("{{ default }}", "5", "True", "1.5")),
        (["x"] * (limits.FINGERPRINT + 1), ("x",) * limits.FINGERPRINT),
    ],
)
def test_fingerprints(fingerprint: Any, kept: tuple[str, ...]) -> None:
    assert event(fingerprint=fingerprint).fingerprint == kept


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "error"),
        ({"type": "default"}, "error"),
        ({"type": "feedback"}, "feedback"),
        ({"type": "transaction"}, "transaction"),
        ({"type": "nonsense"}, "error"),
        ({"type": ["feedback"]}, "error"),
        ({"csp": {"effective_directive": "img-src"}}, "csp"),
    ],
)
def test_the_kind_of_event_is_told_alike_by_kind_of_and_by_the_event(fields: dict[str, Any], kind: str) -> None:
    raw = json.dumps(fields).encode()

    assert kind_of(raw) == kind
    assert skim(raw, received_at=NOON).type == kind


@pytest.mark.parametrize("user", [{}, {"user": None}, {"user": []}, {"user": {"ip_address": "{{auto}}"}}])
def test_an_address_can_be_written_into_the_payload(user: dict[str, Any]) -> None:
    raw = with_address(json.dumps({"message": "m", **user}).encode(), "203.0.113.9")

    seen = read(raw, received_at=NOON)
    assert seen.message == "m"
    assert seen.user
    assert seen.user.ip_address == "203.0.113.9"


def test_an_address_joins_a_user_under_the_old_name() -> None:
    raw = with_address(b'{"sentry.interfaces.User": {"id": 3}, "extra": {"x": NaN}}', "203.0.113.9")

    seen = read(raw, received_at=NOON)
    assert seen.user
    assert (seen.user.id, seen.user.ip_address) == ("3", "203.0.113.9")


def test_kind_of_reads_what_is_not_quite_json() -> None:
    assert kind_of(b'{"type": "feedback", "extra": NaN}') == "feedback"


@pytest.mark.parametrize(
    ("csp", "directive", "blocked"),
    [
        (
            {"effective_directive": "img-src", "blocked_uri": "https://cdn.example:8443/x.png"},
            "img-src",
            "cdn.example:8443",
        ),
        ({"violated-directive": "script-src 'self'", "blocked-uri": "inline"}, "script-src", "inline"),
        ({"effective-directive": "font-src", "blocked-uri": "data:font/woff"}, "font-src", "data"),
        ({}, "", ""),
        ([], "", ""),
    ],
)
def test_security_reports(csp: Any, directive: str, blocked: str) -> None:
    seen = event(csp=csp)

    assert (seen.csp_directive, seen.csp_blocked) == (directive, blocked)


def test_nul_characters_never_reach_the_database() -> None:
    seen = event(
        release="1\x002",
        message="a\x00b",
        user={"id": "\x00"},
        tags={"k\x00": "v\x00"},
        exception=[
            {
                "type": "E\x00",
                "value": "\x00",
                "stacktrace": {"frames": [{"function": "f\x00", "context_line": "\x00"}]},
            }
        ],
        extra={"\x00": ["\x00"]},
    )

    assert r"\x00" not in repr(seen)


def test_what_the_sdk_says_of_its_own_trimming_becomes_notes() -> None:
    seen = event(
        extra={"body": "abc"},
        _meta={
            "extra": {
                "body": {"": {"len": 9000, "rem": [["!limit", "s", 0, 3]]}},
                "key": {"": {"rem": [["!config", "x"]]}},
            }
        },
    )

    assert seen.notes == (
        Note("extra.body", "replaced by the SDK (!limit)", 9000),
        Note("extra.key", "removed by the SDK (!config)"),
    )


@pytest.mark.parametrize(
    "meta",
    [None, [], 7, {"": None}, {"a": {"": {"rem": 7, "len": "x"}}}, {"a": {"": {"rem": [None, [], ["r"], [{}, []]]}}}],
)
def test_odd_remarks_are_ignored(meta: Any) -> None:
    assert event(_meta=meta).exceptions == ()


def test_the_number_of_notes_is_bounded() -> None:
    many = {str(n): {"": {"len": 5}} for n in range(limits.NOTES * 2)}

    assert len(event(_meta=many, level="loud").notes) == limits.NOTES
