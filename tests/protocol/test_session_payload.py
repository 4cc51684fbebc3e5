from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.session import SessionAggregates, SessionBucket, SessionStatus, SessionUpdate
from bugwatch.protocol.session_payload import BUCKETS, MAX_COUNT, parse_session, parse_sessions
from tests.protocol.hostile import JUNK, NOT_OBJECTS, documents, values

NOON = 1_790_000_000_000
SID = "e7a9b5ac8c4b4c6f8c6c8d2d1f2e3a4b"
SESSION: dict[str, Any] = {
    "sid": "e7a9b5ac-8c4b-4c6f-8c6c-8d2d1f2e3a4b",
    "did": "alice",
    "init": True,
    "started": "2026-09-21T14:12:20Z",
    "timestamp": "2026-09-21T14:13:10.250Z",
    "status": "exited",
    "errors": 2,
    "duration": 50.25,
    "seq": 3,
    "attrs": {"release": "shop@1.0", "environment": "staging", "ip_address": "::1", "user_agent": "x"},
}
AGGREGATES: dict[str, Any] = {
    "attrs": {"release": "shop@1.0"},
    "aggregates": [
        {"started": "2026-09-21T14:12:00Z", "exited": 100, "errored": 3, "crashed": 2},
        {"started": "2026-09-21T14:11:00Z", "did": "alice", "abnormal": 1, "unhandled": 4},
    ],
}


def session(**changes: Any) -> SessionUpdate:
    return parse_session(json.dumps({**SESSION, **changes}).encode(), NOON)


def test_a_session_as_sdks_send_it() -> None:
    assert session() == SessionUpdate(
        sid=SID,
        distinct_id="alice",
        is_init=True,
        sequence=3,
        started_at=NOON - 60_000,
        happened_at=NOON - 9_750,
        duration_ms=50_250,
        status=SessionStatus.EXITED,
        error_count=2,
        release="shop@1.0",
        environment="staging",
    )


def test_what_is_absent_has_a_default() -> None:
    payload = {"sid": SID, "attrs": {"release": "1"}}

    assert parse_session(json.dumps(payload).encode(), NOON) == SessionUpdate(
        SID, "", False, NOON, NOON, NOON, None, SessionStatus.OK, 0, "1", "production"
    )


def test_a_crashed_session_has_at_least_one_error() -> None:
    assert session(status="crashed", errors=0).error_count == 1
    assert session(status="crashed", errors=3).error_count == 3


def test_a_session_never_starts_after_it_happened() -> None:
    assert session(started="2026-09-21T14:13:19Z").started_at == session().happened_at


def test_a_clock_that_is_off_is_set_right() -> None:
    an_hour_late = parse_session(json.dumps(SESSION).encode(), NOON + 3_600_000, sent_at=NOON)

    assert an_hour_late.happened_at == NOON + 3_600_000 - 9_750


@pytest.mark.parametrize("status", ["finished", "", None, 7, "OK"])
def test_an_unknown_status_is_a_session_going_on(status: Any) -> None:
    assert session(status=status).status is SessionStatus.OK


@pytest.mark.parametrize("sid", [None, "", "x", 7, SID + "0", []])
def test_a_session_without_an_id_is_refused(sid: Any) -> None:
    with pytest.raises(Invalid) as refused:
        session(sid=sid)

    assert refused.value.field == "sid"


@pytest.mark.parametrize(
    "attrs", [None, {}, [], "x", {"release": ""}, {"release": None}, {"release": []}, {"release": "  "}]
)
def test_a_session_without_a_release_is_refused(attrs: Any) -> None:
    for parse, document in ((parse_session, SESSION), (parse_sessions, AGGREGATES)):
        with pytest.raises(Invalid) as refused:
            parse(json.dumps({**document, "attrs": attrs}).encode(), NOON)
        assert refused.value.field == "release"


def test_aggregates_as_servers_send_them() -> None:
    assert parse_sessions(json.dumps(AGGREGATES).encode(), NOON) == SessionAggregates(
        "shop@1.0",
        "production",
        (SessionBucket(NOON - 80_000, "", 100, 3, 0, 2, 0), SessionBucket(NOON - 140_000, "alice", 0, 0, 4, 0, 1)),
    )


def test_empty_buckets_are_left_out_and_the_number_is_bounded() -> None:
    many = {**AGGREGATES, "aggregates": [{"exited": 0}, None, 7, *[{"exited": 10**400}] * (BUCKETS + 9)]}
    buckets = parse_sessions(json.dumps(many).encode(), NOON).buckets

    assert len(buckets) == BUCKETS - 3
    assert buckets[0].exited_count == MAX_COUNT


@pytest.mark.parametrize("raw", NOT_OBJECTS)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    for parse in (parse_session, parse_sessions):
        with pytest.raises(Invalid):
            parse(raw, NOON)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("key", sorted(SESSION.keys() - {"sid", "attrs"}))
def test_junk_costs_only_itself(key: str, junk: Any) -> None:
    found = session(**{key: junk})

    assert (found.sid, found.release) == (SID, "shop@1.0")
    assert found.started_at <= found.happened_at <= NOON
    assert 0 <= found.error_count <= MAX_COUNT
    assert len(found.distinct_id) <= 200
    found.distinct_id.encode()


@given(
    documents(*SESSION, "aggregates", inner=values | st.lists(documents("started", "exited", "did"), max_size=3)),
    st.booleans(),
)
def test_any_document_is_read_or_refused(document: dict[str, Any], has_attrs: bool) -> None:
    if has_attrs:
        document |= {"sid": SID, "attrs": {"release": "1"}}
    raw = json.dumps(document).encode()
    for parse in (parse_session, parse_sessions):
        with suppress(Invalid):
            parse(raw, NOON, sent_at=NOON)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for parse in (parse_session, parse_sessions):
        with suppress(Invalid):
            parse(raw, NOON)
