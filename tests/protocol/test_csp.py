from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.protocol import event_payload
from bugwatch.protocol.csp import REPORTS, SecurityReports, parse
from tests.protocol.hostile import JUNK, documents, values

OLD: dict[str, Any] = {
    "document-uri": "https://shop.example/cart?id=1",
    "referrer": "https://search.example/",
    "violated-directive": "script-src-elem 'self' https://cdn.example",
    "effective-directive": "script-src-elem",
    "original-policy": "default-src 'none'; script-src-elem 'self' https://cdn.example",
    "disposition": "enforce",
    "blocked-uri": "https://Evil.example:8443/a.js?x=1",
    "status-code": 200,
    "source-file": "https://shop.example/app.js",
    "line-number": 3,
    "column-number": 14,
    "script-sample": "alert(1)",
}
NEW: dict[str, Any] = {
    "documentURL": "https://shop.example/cart?id=1",
    "referrer": "https://search.example/",
    "effectiveDirective": "script-src-elem",
    "originalPolicy": "default-src 'none'",
    "disposition": "report",
    "blockedURL": "https://evil.example:8443/a.js",
    "statusCode": 200,
    "sourceFile": "https://shop.example/app.js",
    "lineNumber": 3,
    "columnNumber": 14,
    "sample": "",
}


def old(**changes: Any) -> bytes:
    """A report as `report-uri` brings it; underscores for hyphens, None for absent."""
    told = {**OLD, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return json.dumps({"csp-report": {key: value for key, value in told.items() if value is not None}}).encode()


def new(*bodies: Any, kind: str = "csp-violation") -> bytes:
    return json.dumps(
        [{"type": kind, "age": 10, "url": "https://shop.example", "body": body} for body in bodies]
    ).encode()


def only(reports: SecurityReports) -> dict[str, Any]:
    assert (len(reports.events), reports.malformed_count) == (1, 0)
    event: dict[str, Any] = json.loads(reports.events[0].payload)
    return event


def test_a_report_becomes_an_event() -> None:
    event = only(parse(old(), release="shop@1.0", environment="staging", user_agent="Firefox/150"))

    assert event == {
        "type": "csp",
        "platform": "other",
        "logger": "csp",
        "logentry": {"formatted": "Blocked 'script' from 'evil.example:8443'"},
        "csp": {
            "effective_directive": "script-src-elem",
            "violated_directive": "script-src-elem 'self' https://cdn.example",
            "blocked_host": "evil.example:8443",
            "blocked_uri": "https://Evil.example:8443/a.js?x=1",
            "document_uri": "https://shop.example/cart?id=1",
            "referrer": "https://search.example/",
            "original_policy": "default-src 'none'; script-src-elem 'self' https://cdn.example",
            "disposition": "enforce",
            "source_file": "https://shop.example/app.js",
            "script_sample": "alert(1)",
            "status_code": 200,
            "line_number": 3,
            "column_number": 14,
        },
        "culprit": "script-src-elem 'self' https://cdn.example",
        "tags": [["effective-directive", "script-src-elem"], ["blocked-host", "evil.example:8443"]],
        "request": {
            "url": "https://shop.example/cart?id=1",
            "headers": [["User-Agent", "Firefox/150"], ["Referer", "https://search.example/"]],
        },
        "release": "shop@1.0",
        "environment": "staging",
    }


def test_the_reporting_api_says_the_same_in_other_words() -> None:
    event = only(parse(new(NEW)))

    assert event["csp"]["effective_directive"] == "script-src-elem"
    assert event["csp"]["blocked_host"] == "evil.example:8443"
    assert (event["csp"]["line_number"], event["csp"]["disposition"]) == (3, "report")
    assert event["culprit"] == "script-src-elem"
    assert "release" not in event


def test_headers_and_queries_that_are_not_utf_8_are_tamed() -> None:
    event = only(parse(old(), release="1\udcff", environment="\ud800", user_agent="Firefox\udcff" + "x" * 20_000))

    assert (event["release"], event["environment"]) == ("1?", "?")
    assert event["request"]["headers"][0][1].startswith("Firefox?xxx")


def test_the_event_is_understood_like_any_other() -> None:
    event = event_payload.skim(parse(old()).events[0].payload, received_at=1_790_000_000_000)

    assert event.message == "Blocked 'script' from 'evil.example:8443'"
    assert (event.csp_directive, event.csp_blocked) == ("script-src-elem", "evil.example:8443")


def test_the_pages_own_host_counts_as_one_whatever_its_name() -> None:
    reports = [
        parse(old(document_uri=f"https://{host}/", blocked_uri=f"https://{host}/a.js")) for host in ("a.example", "b")
    ]
    events = [event_payload.skim(each.events[0].payload, received_at=1_790_000_000_000) for each in reports]

    assert {event.csp_blocked for event in events} == {"self"}


def test_old_browsers_name_only_the_violated_directive() -> None:
    event = only(parse(old(effective_directive=None, violated_directive="IMG-SRC 'self' data:")))

    assert event["csp"]["effective_directive"] == "img-src"
    assert event["logentry"]["formatted"].startswith("Blocked 'img' from")


@pytest.mark.parametrize(
    ("blocked_uri", "host"),
    [
        ("https://shop.example/own.js", "self"),
        ("https://SHOP.example", "self"),
        ("self", "self"),
        ("", "self"),
        (None, "self"),
        ("inline", "inline"),
        ("eval", "eval"),
        ("wasm-eval", "wasm-eval"),
        ("data", "data"),
        ("data:text/html,x", "data"),
        ("blob", "blob"),
        ("wss://live.example/x", "live.example"),
        ("https://user:pw@evil.example/", "evil.example"),
        ("//evil.example/a", "evil.example"),
        ("https://[::1", "https"),
        ("https://[::1]:80/", "[::1]:80"),
        ("chrome-extension://abc/x.js", "abc"),
    ],
)
def test_what_was_blocked_is_named_by_its_host(blocked_uri: str | None, host: str) -> None:
    assert only(parse(old(blocked_uri=blocked_uri)))["csp"]["blocked_host"] == host


@pytest.mark.parametrize(
    ("directive", "resource"),
    [
        ("script-src", "script"),
        ("style-src-attr", "style"),
        ("frame-ancestors", "frame-ancestors"),
        ("require-trusted-types-for", "require-trusted-types-for"),
    ],
)
def test_the_title_names_the_resource(directive: str, resource: str) -> None:
    event = only(parse(old(effective_directive=directive, blocked_uri="inline")))

    assert event["logentry"]["formatted"] == f"Blocked '{resource}' from 'inline'"


@pytest.mark.parametrize(
    ("changes", "is_noise"),
    [
        ({}, False),
        ({"blocked_uri": "inline"}, False),
        ({"blocked_uri": "chrome-extension://abc/x.js"}, True),
        ({"blocked_uri": "chrome-extension"}, True),
        ({"blocked_uri": "moz-extension"}, True),
        ({"blocked_uri": "safari-extension://x"}, True),
        ({"blocked_uri": "SAFARI-WEB-EXTENSION://x"}, True),
        ({"blocked_uri": "about"}, True),
        ({"blocked_uri": "about:blank"}, True),
        ({"blocked_uri": "data"}, True),
        ({"blocked_uri": "https://data.example/"}, False),
        ({"source_file": "chrome-extension://abc/x.js"}, True),
        ({"source_file": "moz-extension"}, True),
    ],
)
def test_what_extensions_do_is_noise(changes: dict[str, Any], is_noise: bool) -> None:
    assert parse(old(**changes)).events[0].is_noise is is_noise


@pytest.mark.parametrize(
    "body",
    [
        b'{"expect-ct-report":{"hostname":"a"}}',
        b'{"expect-staple-report":{}}',
        b'{"known-pins":[]}',
        b"{}",
        b"[]",
        b'[{"type":"network-error","body":{}}]',
        b'[{"type":"deprecation","body":{"id":"x"}},null,7,[]]',
        b'[{"body":{}}]',
    ],
)
def test_reports_of_other_kinds_are_passed_over(body: bytes) -> None:
    assert parse(body) == SecurityReports((), 0)


def test_a_report_without_a_directive_is_counted_and_spares_its_neighbours() -> None:
    assert parse(b'{"csp-report":{}}') == SecurityReports((), 1)
    assert parse(b'{"csp-report":null}') == SecurityReports((), 1)
    reports = parse(new(NEW, {}, None, {**NEW, "effectiveDirective": " "}, NEW))
    assert (len(reports.events), reports.malformed_count) == (2, 3)


def test_only_so_many_reports_of_a_list() -> None:
    assert len(parse(new(*[NEW] * (REPORTS + 1))).events) == REPORTS


@pytest.mark.parametrize("raw", [b"", b"\xff", b"null", b"7", b'"csp"', b"{", b"[" * 100_000, b"csp-report=1", b"<x/>"])
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        parse(raw)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("key", sorted(OLD))
def test_junk_costs_only_itself(key: str, junk: Any) -> None:
    told = {**OLD, key: junk}
    reports = parse(json.dumps({"csp-report": told}).encode())

    assert len(reports.events) == 1
    event = json.loads(reports.events[0].payload)
    assert event["csp"]["effective_directive"]
    assert len(reports.events[0].payload) < 60_000


@given(documents(*OLD), documents(*NEW), values)
def test_any_report_becomes_json_or_is_refused(hyphened: dict[str, Any], camel: dict[str, Any], anything: Any) -> None:
    for document in ({"csp-report": hyphened}, [{"type": "csp-violation", "body": camel}, anything], anything):
        with suppress(Invalid):
            for event in parse(json.dumps(document).encode()).events:
                json.loads(event.payload)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Invalid):
        parse(raw)
