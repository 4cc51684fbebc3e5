from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
import sentry_sdk.envelope
from hypothesis import given, settings
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.limits import KIB, LIMITS, MIB, Limits
from bugwatch.protocol.envelope import Envelope, Loss, parse

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def item(payload: bytes, *, with_length: bool = True, **fields: Any) -> bytes:
    """One framed item, final newline included."""
    return line(**fields, **({"length": len(payload)} if with_length else {})) + b"\n" + payload + b"\n"


def taken(envelope: Envelope) -> list[tuple[str, bytes]]:
    return [(found.type, found.payload) for found in envelope.items]


def test_an_envelope_with_lengths_as_python_sends_it() -> None:
    envelope = parse(
        line(event_id=EVENT_ID) + b"\n" + item(b'{"a":1}', type="event") + item(b"\x00\n\x01", type="attachment")
    )

    assert envelope.header.event_id == EVENT_ID
    assert taken(envelope) == [("event", b'{"a":1}'), ("attachment", b"\x00\n\x01")]
    assert envelope.losses == ()


def test_what_sentry_sdk_serializes_is_read_back() -> None:
    sent = sentry_sdk.envelope.Envelope(headers={"event_id": EVENT_ID, "sent_at": "2026-11-21T14:31:07.123456Z"})
    sent.add_event({"event_id": EVENT_ID, "message": "héllo\n"})
    sent.add_item(sentry_sdk.envelope.Item(b"\x00\r\n\xff", type="attachment", filename="dump.bin"))
    sent.add_session({"sid": EVENT_ID})
    envelope = parse(sent.serialize())

    assert envelope.header.event_id == EVENT_ID
    assert envelope.header.sent_at == 1_795_271_467_123
    assert [found.type for found in envelope.items] == ["event", "attachment", "session"]
    assert json.loads(envelope.items[0].payload)["message"] == "héllo\n"
    assert (envelope.items[1].payload, envelope.items[1].filename) == (b"\x00\r\n\xff", "dump.bin")


def test_an_envelope_without_lengths_and_final_newline_as_node_sends_it() -> None:
    envelope = parse(b'{}\n{"type":"session"}\n{"sid":"1"}\n{"type":"event"}\n{"a":1}')

    assert taken(envelope) == [("session", b'{"sid":"1"}'), ("event", b'{"a":1}')]


@pytest.mark.parametrize("with_length", [True, False])
def test_a_carriage_return_belongs_to_the_payload(with_length: bool) -> None:
    envelope = parse(b"{}\r\n" + item(b"abc\r", type="attachment", with_length=with_length) + item(b"{}", type="event"))

    assert taken(envelope) == [("attachment", b"abc\r"), ("event", b"{}")]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{}\n{"type":"attachment","length":0}\n\n{"type":"event"}\n{}', id="an empty line"),
        pytest.param(b'{}\n{"type":"attachment"}\n\n{"type":"event"}\n{}\n', id="without a length"),
        pytest.param(b'{}\n{"type":"event"}\n{}\n{"type":"attachment","length":0}\n', id="last, with its newline"),
        pytest.param(b'{}\n{"type":"event"}\n{}\n{"type":"attachment","length":0}', id="last, only a header"),
        pytest.param(b'{}\n{"type":"event"}\n{}\n{"type":"attachment"}', id="last, header only, no length"),
    ],
)
def test_an_item_may_be_empty(body: bytes) -> None:
    envelope = parse(body)

    assert sorted(taken(envelope)) == [("attachment", b""), ("event", b"{}")]
    assert envelope.losses == ()


def test_blank_lines_between_items_and_after_them_are_skipped() -> None:
    envelope = parse(b"{}\n\n\r\n" + item(b"{}", type="event") + b"\n\n \n" + item(b"x", type="attachment") + b"\n\n\n")

    assert taken(envelope) == [("event", b"{}"), ("attachment", b"x")]
    assert envelope.losses == ()


@pytest.mark.parametrize("body", [b"{}", b"{}\n", b"{}\n\n\n", b'{"event_id":"' + EVENT_ID.encode() + b'"}'])
def test_an_envelope_without_items_is_one(body: bytes) -> None:
    assert parse(body).items == ()
    assert parse(body).losses == ()


def test_the_header_is_read_whole() -> None:
    header = parse(
        line(
            event_id="9EC79C33-EC99-42AB-8353-589FCB2E04DC",
            dsn="https://k@bugs.example/1",
            sent_at="2026-11-21T14:31:07.5Z",
            sdk={"name": "sentry.python", "version": "2.75.0", "packages": []},
            trace={"trace_id": "a" * 32, "sampled": "true", "sample_rate": 1.0},
            unheard_of=[1],
        )
    ).header

    assert header.event_id == EVENT_ID
    assert header.dsn == "https://k@bugs.example/1"
    assert header.sent_at == 1_795_271_467_500


@pytest.mark.parametrize("junk", [None, 7, "junk", [], {}, {"name": 1, "version": []}, True])
def test_a_bad_value_in_the_header_costs_only_itself(junk: Any) -> None:
    envelope = parse(
        line(event_id=EVENT_ID, sent_at=junk, sdk=junk, trace=junk, dsn=junk) + b"\n" + item(b"{}", type="event")
    )

    assert envelope.header.event_id == EVENT_ID
    assert len(envelope.items) == 1


@pytest.mark.parametrize(
    "first_line",
    [
        b"", b"\n", b"[]", b"null", b'"text"', b"7", b"{", b"{]", b"\x00", b"\xff\xfe", b"event", b"[" * 8_000,
        b'{"a":' * 1_600,
        b'{"event_id":' + b"9" * 8_000,
        b'{"a":"' + b"x" * 8_192 + b'"}',
    ],
)  # fmt: skip
def test_an_unreadable_first_line_refuses_the_envelope(first_line: bytes) -> None:
    with pytest.raises(Invalid):
        parse(first_line + b"\n" + item(b"{}", type="event"))


@pytest.mark.parametrize("event_id", ["x", EVENT_ID + "0", 7, [], {}, True, "g" * 32])
def test_an_event_id_that_is_none_refuses_the_envelope(event_id: Any) -> None:
    with pytest.raises(Invalid) as refused:
        parse(line(event_id=event_id))

    assert refused.value.field == "event_id"


@pytest.mark.parametrize("event_id", [None, ""])
def test_an_empty_event_id_is_an_absent_one(event_id: Any) -> None:
    assert parse(line(event_id=event_id)).header.event_id is None


def test_a_header_line_may_be_just_as_long_as_the_limit() -> None:
    def long(length: int) -> bytes:
        return b'{"a":"' + b"x" * (length - 8) + b'"}'

    assert parse(long(8 * KIB) + b"\n").header.event_id is None
    assert parse(long(8 * KIB)).items == ()
    for end in (b"", b"\n"):
        with pytest.raises(Invalid):
            parse(long(8 * KIB + 1) + end)


BROKEN = {
    "no JSON": b"not json\n{}\n",
    "no object": b"[1]\n{}\n",
    "not UTF-8": b"\xff\xfe\n{}\n",
    "too long a header": b'{"type":"event","a":"' + b"x" * 9_000 + b'"}\n{}\n',
    "a length that is text": b'{"type":"attachment","length":"2"}\n{}\n',
    "a length that is true": b'{"type":"attachment","length":true}\n{}\n',
    "a negative length": b'{"type":"attachment","length":-1}\n{}\n',
    "a fraction": b'{"type":"attachment","length":1.5}\n{}\n',
    "a length beyond the end": b'{"type":"attachment","length":3000000000}\n{}\n',
    "a length beyond every number": b'{"type":"attachment","length":' + b"9" * 5_000 + b"}\n{}\n",
    "a length too short": b'{"type":"attachment","length":1}\nabc\n',
    "deep brackets": b"[" * 8_000 + b"\n{}\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_where_the_framing_is_lost_what_came_before_lives_and_the_loss_is_counted(broken: bytes) -> None:
    envelope = parse(b"{}\n" + item(b"{}", type="event") + broken + item(b"{}", type="session"))

    assert taken(envelope) == [("event", b"{}")]
    assert [loss.reason for loss in envelope.losses] == ["malformed"]


@pytest.mark.parametrize("headers", [b"{}", b'{"type":null}', b'{"type":7}', b'{"type":""}', b'{"type":["event"]}'])
def test_an_item_without_a_type_costs_only_itself(headers: bytes) -> None:
    envelope = parse(b"{}\n" + headers + b"\nabc\n" + item(b"{}", type="event"))

    assert taken(envelope) == [("event", b"{}")]
    assert envelope.losses == (Loss("", "malformed"),)


def test_a_truncated_envelope_keeps_the_items_that_arrived_whole() -> None:
    body = b"{}\n" + item(b'{"a":1}', type="event") + item(b"12345", type="attachment")
    for end in range(body.index(b'{"a":1}') + 8, len(body) - 2):
        envelope = parse(body[:end])

        assert taken(envelope) == [("event", b'{"a":1}')]
        assert len(envelope.losses) <= 1


def test_the_limit_of_an_event_is_exact_and_spares_its_neighbours() -> None:
    fits, bursts = b"x" * MIB, b"x" * (MIB + 1)
    attachment = item(b"y" * (2 * MIB), type="attachment")

    assert taken(parse(b"{}\n" + item(fits, type="event")))[0][1] == fits
    envelope = parse(b"{}\n" + item(bursts, type="event", with_length=False) + attachment)
    assert [found.type for found in envelope.items] == ["attachment"]
    assert envelope.losses == (Loss("event", "too_large"),)


@pytest.mark.parametrize(
    ("item_type", "limit"), [("check_in", 100 * KIB), ("client_report", 100 * KIB), ("log", 12 * MIB)]
)
def test_each_type_has_its_own_limit(item_type: str, limit: int) -> None:
    assert parse(b"{}\n" + item(b"x" * limit, type=item_type)).losses == ()
    assert parse(b"{}\n" + item(b"x" * (limit + 1), type=item_type)).losses == (Loss(item_type, "too_large"),)


def test_the_operator_may_choose_another_limit() -> None:
    limits = Limits(item_bytes={**LIMITS.item_bytes, "event": 10})

    assert parse(b"{}\n" + item(b"x" * 11, type="event"), limits).losses == (Loss("event", "too_large"),)


def test_one_event_to_an_envelope_the_first_is_kept() -> None:
    envelope = parse(
        b"{}\n"
        + item(b"1", type="event")
        + item(b"2", type="transaction")
        + item(b"3", type="feedback")
        + item(b"4", type="event")
        + item(b"5", type="attachment")
    )

    assert taken(envelope) == [("event", b"1"), ("attachment", b"5")]
    assert envelope.losses == tuple(Loss(name, "duplicate_item") for name in ("transaction", "feedback", "event"))


def test_an_event_that_is_too_large_does_not_take_the_place_of_the_next() -> None:
    envelope = parse(b"{}\n" + item(b"x" * (MIB + 1), type="event") + item(b"{}", type="event"))

    assert taken(envelope) == [("event", b"{}")]


def test_only_so_many_items_of_a_type() -> None:
    envelope = parse(b"{}\n" + item(b"{}", type="session") * 101)

    assert len(envelope.items) == 100
    assert envelope.losses == (Loss("session", "too_many_items"),)


def test_only_so_many_items_at_all() -> None:
    anything = item(b"", type="unheard_of")

    assert len(parse(b"{}\n" + anything * 500).items) == 500
    envelope = parse(b"{}\n" + anything * 5_000)
    assert len(envelope.items) == 500
    assert envelope.losses == (Loss("", "too_many_items"),)


def test_what_an_item_says_of_itself() -> None:
    found = parse(
        b"{}\n"
        + item(b"x", type="attachment", filename="a.txt", content_type="text/plain", attachment_type="event.attachment")
        + item(b"{}", type="log", item_count=3)
    ).items

    assert (found[0].filename, found[0].content_type, found[0].attachment_type) == (
        "a.txt",
        "text/plain",
        "event.attachment",
    )
    assert (found[0].item_count, found[1].item_count) == (None, 3)


@pytest.mark.parametrize("junk", [None, 7, [], {}, True, "x" * 2_000, "a\x00b", "\ud800"])
def test_odd_item_headers_are_tamed(junk: Any) -> None:
    found = parse(b"{}\n" + item(b"x", type="attachment", filename=junk, content_type=junk, item_count=junk)).items[0]

    assert len(found.filename) <= 255
    assert "\x00" not in found.filename
    found.filename.encode()
    assert found.item_count is None or found.item_count == 7


def test_a_payload_is_a_view_into_the_body_until_asked_for() -> None:
    body = b"{}\n" + item(b"abc", type="attachment")
    found = parse(body).items[0]

    assert found.view.obj is body
    assert found.payload == b"abc"


def test_a_flood_of_blank_lines_is_skipped_at_once() -> None:
    assert parse(b"{}" + b"\n" * (4 * MIB)).items == ()


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_any_bytes_are_an_envelope_or_refused(body: bytes) -> None:
    with suppress(Invalid):
        parse(body)
    parse(b"{}\n" + body)


json_values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.none(), max_size=1)
)


@given(
    headers=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["event", "attachment", "session", "log", "x"]) | json_values,
                "length": st.integers(-2, 20) | json_values,
                "filename": json_values,
                "item_count": json_values,
            },
        ),
        max_size=5,
    ),
    payload=st.binary(max_size=12),
)
def test_any_item_headers_are_read_or_counted_as_lost(headers: list[dict[str, Any]], payload: bytes) -> None:
    body = b"{}\n" + b"\n".join(json.dumps(each).encode() + b"\n" + payload for each in headers)
    envelope = parse(body)

    assert len(envelope.items) + len(envelope.losses) <= body.count(b"\n") + 1
    assert not headers or envelope.items or envelope.losses


@given(payloads=st.lists(st.binary(max_size=60), max_size=8))
def test_what_is_framed_with_lengths_comes_back_byte_for_byte(payloads: list[bytes]) -> None:
    body = b"{}\n" + b"".join(item(payload, type="attachment") for payload in payloads)

    assert [found.payload for found in parse(body).items] == payloads
