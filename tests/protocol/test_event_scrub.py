"""The lean scrubbing of events answers as the whole one does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.scrub import Scrubber, ScrubRules
from bugwatch.protocol.event_scrub import EventScrubber
from tests.domain.test_scrub import VALUES

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "events").glob("*.json"))
# Not as SDKs of today send events: a browser's report, and names of twelve years ago.
UNUSUAL = {"csp-report.json", "raven-legacy.json"}
FRAME = "exception/values/0/stacktrace/frames/0"
SLOTS = st.sampled_from(
    [
        *("message", "logentry", "tags", "user", "request", "contexts", "extra", "transaction", "fingerprint", "level"),
        *("breadcrumbs", "threads", "exception", "stacktrace", "modules", "sdk", "_meta", "culprit", "password"),
        *("breadcrumbs/values", "breadcrumbs/values/0", "threads/values", "threads/values/0/name", "extra/environ"),
        *("exception/values", "exception/values/0", "exception/values/0/value", "exception/values/0/mechanism"),
        *("exception/values/0/zzz", "exception/values/0/stacktrace", "exception/values/0/stacktrace/registers"),
        *("exception/values/0/stacktrace/frames", FRAME, f"{FRAME}/vars", f"{FRAME}/abs_path", f"{FRAME}/token"),
        *(f"{FRAME}/function", "user/environ", "request/headers", "request/cookies", "request/zzz"),
    ]
)
SHARED = EventScrubber(Scrubber())  # what it remembers of one event must not matter to the next


def event_with(slot: str, value: Any) -> Any:
    event: Any = {
        "event_id": "a" * 32,
        "breadcrumbs": {"values": [{"message": "GET /"}]},
        "exception": {"values": [{"type": "E", "stacktrace": {"frames": [{"function": "f", "vars": {"a": "1"}}]}}]},
        "threads": {"values": [{"id": 1, "crashed": True}]},
        "extra": {},
        "user": {"id": 7},
        "request": {"url": "https://shop.example/"},
    }
    *way, last = slot.split("/")
    inner = event
    for name in way:
        inner = inner[int(name) if name.isdecimal() else name]
    inner[int(last) if last.isdecimal() else last] = value
    return event


@given(st.dictionaries(SLOTS, VALUES, max_size=1) | st.tuples(SLOTS, VALUES).map(lambda pair: dict([pair])))
def test_the_lean_way_and_the_whole_way_agree(slots: dict[str, Any]) -> None:
    for slot, value in slots.items():
        payload = json.dumps(event_with(slot, value)).encode()

        lean = SHARED.scrub(payload)

        whole = SHARED.scrub_whole(payload)
        assert json.loads(lean) == json.loads(whole)
        assert (lean is payload) == (json.loads(whole) == json.loads(payload))


@given(VALUES)
def test_a_part_that_was_clean_in_one_place_is_looked_at_again_where_its_place_matters(value: Any) -> None:
    scrubber = EventScrubber(Scrubber())
    held = {"environ": {"HOME": value}}
    scrubber.scrub(json.dumps(event_with("user", held)).encode())
    payload = json.dumps(event_with("extra", held)).encode()

    assert json.loads(scrubber.scrub(payload)) == json.loads(scrubber.scrub_whole(payload))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_real_events_take_the_lean_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = path.read_bytes()
    scrubber = EventScrubber(Scrubber())
    whole = scrubber.scrub_whole(payload)
    taken: list[bytes] = []
    monkeypatch.setattr(scrubber, "scrub_whole", lambda raw: taken.append(raw) or whole)

    assert json.loads(scrubber.scrub(payload)) == json.loads(whole)
    assert bool(taken) == (path.name in UNUSUAL)


@pytest.mark.parametrize(
    "value",
    [
        {"Cookie": "[Filtered]", "password": None, "token": ""},  # names with nothing under them
        {"Cookie": "a=b", "password": "None"},
        {"kind": "password", "note": "token"},  # names as values
        ["password", "hunter2"],
        ["--password", "hunter2"],
        [["Cookie", "a=b"], ["Accept", "*/*"]],
        {'a "quoted" password': "x", "text": 'say "password=hunter2" loud'},
        {"path": "C:\\\\", "password": "hunter2"},  # a string that ends with a backslash
        {"text": '\\"', "token": "hunter2"},
        {"card": "4111 1111 1111 1111", "text": "paid with 4111111111111111."},
        {"numbers": [4111111111111111, 1795299124594, 41111111111111110000]},
        {"text": "x4111111111111111", "text2": "12 4111111111111111", "id": 4111111111111111},
        "4111-1111-1111-1111" * 3,
        {"max_tokens": 7, "tokens": "abc"},
        {"p\u0061ssword": "x", "\u212aey": "y", "passwörd": "z"},
        "postgres://shop:hunter2@db/shop",
    ],
    ids=str,
)
@pytest.mark.parametrize("slot", ["extra", "user", "breadcrumbs/values/0", "request", f"{FRAME}/vars", "message"])
def test_secrets_near_the_edges_of_strings_and_names(slot: str, value: Any) -> None:
    held = {"held": value, "beside": "password"}
    for payload in (json.dumps(event_with(slot, held)), json.dumps(event_with(slot, held), separators=(",", ":"))):
        raw = payload.encode()

        for _ in range(2):  # also once it is remembered
            assert json.loads(SHARED.scrub(raw)) == json.loads(SHARED.scrub_whole(raw))


def test_a_project_may_call_an_events_own_name_a_secret() -> None:
    scrubber = EventScrubber(Scrubber(ScrubRules(secret_names=("server_name", "user"))))

    clean = json.loads(
        scrubber.scrub(json.dumps({"server_name": "web-1", "user": {"id": 7}, "level": "error"}).encode())
    )

    assert clean == {"server_name": "[Filtered]", "user": {"id": "[Filtered]"}, "level": "error"}


def test_a_project_that_switched_scrubbing_off_gets_its_events_as_they_are() -> None:
    payload = b'{"extra": {"password": "x"}}'

    assert EventScrubber(Scrubber(ScrubRules(is_enabled=False))).scrub(payload) is payload


@pytest.mark.parametrize(
    "payload",
    [
        b'{"extra": {"password": "hunter2"}, "n": NaN}',
        b'{"extra": {"password": "hunter2\xff"}}',
        b'{"extra": {"password": "hunter2"}, "exception": [{"type": 1}, null]}',
        b'{"extra": {"p\\u0061ssword": "hunter2"}}',
        b'\xef\xbb\xbf{"extra": {"password": "hunter2"}}',
        b'{"extra": ' + b'{"a":' * 500 + b'{"password": "hunter2"}' + b"}" * 500 + b"}",
    ],
)
def test_json_as_it_really_arrives_is_scrubbed_too(payload: bytes) -> None:
    assert b"hunter2" not in EventScrubber(Scrubber()).scrub(payload)


@pytest.mark.parametrize(
    "card", [rb"\u0034111111111111111", rb"4111\u00201111\u00201111\u00201111", rb"4111111111111\u003111"]
)
def test_the_digits_of_a_card_may_be_written_as_escapes(card: bytes) -> None:
    payload = b'{"extra": {"note": "%s"}}' % card

    assert json.loads(EventScrubber(Scrubber()).scrub(payload)) == {"extra": {"note": "[Filtered]"}}


@pytest.mark.parametrize("note", ["paid with 4111111111111111", 4111111111111111, "4111-1111-1111-1111"])
def test_a_projects_name_of_digits_hides_no_card(note: Any) -> None:
    scrubber = EventScrubber(Scrubber(ScrubRules(secret_names=("111", "2024"))))
    payload = json.dumps({"extra": {"note": note, "beside": 1}}).encode()

    for _ in range(2):
        assert b"4111" not in scrubber.scrub(payload)


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("url", ["db://shop:hunter2@db", "db:\\/\\/shop:hunter2@db", '\\"db://shop:hunter2@db\\"'])
def test_passwords_in_urls_are_found_among_other_ats(count: int, url: str) -> None:
    crumbs = ", ".join(['{"message": "ada@shop.example, bob@shop.example"}'] * count)
    payload = f'{{"release": "shop@1.4", "breadcrumbs": [{crumbs}], "extra": {{"a": "{url}", "b": "@"}}}}'
    scrubber = EventScrubber(Scrubber())

    for _ in range(2):
        clean = scrubber.scrub(payload.encode())
        assert b"hunter2" not in clean
        assert json.loads(clean) == json.loads(scrubber.scrub_whole(payload.encode()))


@pytest.mark.parametrize("payload", [b"[1]", b"{'a'", b'"a"', b'{"a": "x"', b"\x00\xff", b""])
def test_what_is_no_json_object_and_may_hold_a_secret_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid, match="JSON"):
        EventScrubber(Scrubber()).scrub(payload + b" password")
