"""The promise between the fast way and the thorough one: whatever arrives, both see the same event, or neither does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.event import Event
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol import event_payload
from bugwatch.protocol.event_dump import dump
from bugwatch.protocol.event_payload import SKIMMED, read, skim, skimmed
from bugwatch.protocol.event_shapes import NOT_LEAN, decode_lean
from tests.conftest import NOON

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "events").glob("*.json"))
PAYLOADS = [path.read_bytes() for path in FIXTURES]
FOREIGN = {
    "received_at": NOON,
    "sent_at": NOON - 300,
    "header_event_id": None,
    "remote_addr": "198.51.100.4",
}

every_fixture = pytest.mark.parametrize("raw", PAYLOADS, ids=[path.stem for path in FIXTURES])

ODD: list[Any] = [
    None,
    "",
    " ",
    0,
    -2,
    2**31,
    2**70,
    1.0,
    1.5,
    True,
    False,
    [],
    [[]],
    [None],
    {},
    {"values": None},
    {"values": [None, 1, {}]},
    {"values": "x"},
    {"frames": None},
    {"frames": {}},
    "7",
    "?",
    "a\nb\r\n",
    "a\x00b",
    "Word: the rest",
    "http://[",
    "https://shop.example/a.js?x#y",
    "{{auto}}",
    "x" * (limits.FUNCTION + 1),
    "x" * (limits.MESSAGE + 1),
    [["key", "value"], ["key"], "key", [1, 2]],
    [{}] * (limits.FRAMES_NEWEST + limits.FRAMES_OLDEST + 1),
    {"": "", "a b": 1, "environment": "qa", "n": {"deep": [1]}},
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(ODD),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)


def outcome(way: Any, raw: bytes) -> Event | str:
    try:
        return skimmed(way(raw, **FOREIGN))
    except Invalid as error:
        return str(error)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a document."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def texts(value: Any) -> Iterator[str]:
    """Every text in a document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from texts(item)


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


@every_fixture
def test_skim_and_read_agree_on_what_real_clients_send(raw: bytes) -> None:
    assert skim(raw, **FOREIGN) == skimmed(read(raw, **FOREIGN))


@every_fixture
def test_skim_leaves_everything_but_skimmed_at_its_default(raw: bytes) -> None:
    event, default = skim(raw, **FOREIGN), Event()

    assert all(getattr(event, name) == getattr(default, name) for name in Event.__slots__ if name not in SKIMMED)


@pytest.mark.parametrize(
    "raw",
    [raw for path, raw in zip(FIXTURES, PAYLOADS, strict=True) if path.stem != "raven-legacy"],
    ids=[path.stem for path in FIXTURES if path.stem != "raven-legacy"],
)
def test_what_todays_clients_send_takes_the_fast_way(raw: bytes) -> None:
    decode_lean(raw)


@every_fixture
def test_the_fast_way_and_the_tolerant_way_agree(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = skim(raw, **FOREIGN)
    monkeypatch.setattr(event_payload, "decode_lean", _never_lean)

    assert skim(raw, **FOREIGN) == fast


def _never_lean(raw: bytes) -> dict[str, Any]:
    raise NOT_LEAN[0]


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("Exception", "exception", [{"type": "E"}]),
        ("Http", "request", {"env": {"REMOTE_ADDR": "192.0.2.7"}}),
        ("User", "user", {"id": 1}),
        ("Message", "logentry", {"message": "m"}),
        ("Stacktrace", "stacktrace", {"frames": [{"function": "f"}]}),
        ("Contexts", "contexts", {"os": {"name": "Linux"}}),
        ("Csp", "csp", {"effective_directive": "img-src"}),
    ],
)
def test_both_know_the_old_names(old: str, new: str, value: Any) -> None:
    today = skim(json.dumps({new: value}).encode(), **FOREIGN)

    for way in (skim, read):
        assert outcome(way, json.dumps({f"sentry.interfaces.{old}": value}).encode()) == today
    assert today != skim(b"{}", **FOREIGN)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_they_agree_when_any_part_is_replaced_by_anything(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(PAYLOADS)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = replaced(document, path, data.draw(st.sampled_from(ODD) | json_values))
    raw = json.dumps(document).encode()

    assert outcome(skim, raw) == outcome(read, raw)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_they_agree_when_bytes_are_lost_or_changed(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(PAYLOADS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\\", b'"', b"}"])
        )

    skim_says, read_says = outcome(skim, bytes(raw)), outcome(read, bytes(raw))
    # The words of a complaint may differ; whether there is one may not.
    assert skim_says == read_says or (isinstance(skim_says, str) and isinstance(read_says, str))


@settings(max_examples=300, deadline=None)
@given(document=st.dictionaries(st.sampled_from(sorted({*SKIMMED, "exception", "request", "contexts"})), json_values))
@example(document={"exception": {"values": [{"stacktrace": {"frames": [{"lineno": 2**31 - 1}, {"lineno": 2**31}]}}]}})
@example(document={"exception": {"values": [{"stacktrace": {"frames": [{"lineno": 1.0, "in_app": 1}]}}]}})
@example(document={"exception": {"type": "E", "value": "alone"}})
@example(document={"stacktrace": [{"function": "f"}]})
@example(document={"user": {"ip_address": "{{auto}}"}, "request": {"env": {"REMOTE_ADDR": "192.0.2.7"}}})
def test_they_agree_on_documents_that_no_client_ever_sent(document: dict[str, Any]) -> None:
    raw = json.dumps(document).encode()

    assert outcome(skim, raw) == outcome(read, raw)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_read_can_be_shown_stored_and_read_again(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(PAYLOADS)))
    path = data.draw(st.sampled_from(list(places(document))))
    raw = json.dumps(replaced(document, path, data.draw(json_values))).encode()
    try:
        event = read(raw, **FOREIGN)
    except Invalid:
        return

    shown = dump(event, received_at=NOON)
    again = read(json.dumps(shown, ensure_ascii=False).encode(), **FOREIGN)

    assert not any("\x00" in text for text in texts(shown))
    assert (again.exceptions, again.message, again.tags, again.user) == (
        event.exceptions,
        event.message,
        event.tags,
        event.user,
    )
