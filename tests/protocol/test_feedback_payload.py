from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.feedback import Feedback
from bugwatch.protocol.feedback_payload import MESSAGE_LENGTH, parse_feedback, parse_user_report
from tests.protocol.hostile import JUNK, NOT_OBJECTS, documents

NOON = 1_790_000_000_000
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
SAID: dict[str, Any] = {
    "message": "It broke when I paid.",
    "contact_email": "alice@example.org",
    "name": "Alice",
    "url": "https://shop.example/pay",
    "associated_event_id": "9ec79c33-ec99-42ab-8353-589fcb2e04dc",
    "replay_id": "b" * 32,
    "source": "widget",
}
EVENT: dict[str, Any] = {
    "type": "feedback",
    "event_id": "a" * 32,
    "timestamp": 1_789_999_990.5,
    "environment": "staging",
    "release": "shop@1.0",
}
REPORT: dict[str, Any] = {"event_id": EVENT_ID, "name": "Alice", "email": "alice@example.org", "comments": "It broke."}


def feedback(event: dict[str, Any] | None = None, **said: Any) -> Feedback:
    return parse_feedback(
        json.dumps({**EVENT, "contexts": {"feedback": {**SAID, **said}}, **(event or {})}).encode(), NOON
    )


def user_report(**changes: Any) -> Feedback:
    return parse_user_report(json.dumps({**REPORT, **changes}).encode(), NOON)


def test_feedback_as_sdks_send_it() -> None:
    assert feedback() == Feedback(
        message="It broke when I paid.",
        name="Alice",
        contact_email="alice@example.org",
        happened_at=NOON - 9_500,
        event_id="a" * 32,
        associated_event_id=EVENT_ID,
        replay_id="b" * 32,
        url="https://shop.example/pay",
        source="widget",
        environment="staging",
        release="shop@1.0",
    )


@pytest.mark.parametrize("message", [None, "", "  \n", 1.5, [], {}])
def test_feedback_that_says_nothing_is_refused(message: Any) -> None:
    with pytest.raises(Invalid) as refused:
        feedback(message=message)

    assert refused.value.field == "message"


@pytest.mark.parametrize("contexts", [None, {}, [], {"feedback": None}, {"feedback": "text"}])
def test_an_event_without_a_feedback_context_is_refused(contexts: Any) -> None:
    with pytest.raises(Invalid):
        feedback({"contexts": contexts})


def test_a_message_has_a_limit() -> None:
    assert len(feedback(message="m" * (MESSAGE_LENGTH + 1)).message) == MESSAGE_LENGTH


def test_a_user_report() -> None:
    assert user_report() == Feedback(
        "It broke.", "Alice", "alice@example.org", NOON, associated_event_id=EVENT_ID, source="user_report"
    )


@pytest.mark.parametrize("key", sorted(REPORT))
def test_any_part_of_a_user_report_may_be_null(key: str) -> None:
    assert user_report(**{key: None}).source == "user_report"


def test_a_user_report_with_neither_comments_nor_event_is_refused() -> None:
    with pytest.raises(Invalid):
        user_report(comments=None, event_id=None)


@pytest.mark.parametrize("raw", NOT_OBJECTS)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    for parse in (parse_feedback, parse_user_report):
        with pytest.raises(Invalid):
            parse(raw, NOON)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("key", sorted((SAID.keys() | EVENT.keys()) - {"message"}))
def test_junk_costs_only_itself(key: str, junk: Any) -> None:
    found = feedback({key: junk}) if key in EVENT else feedback(**{key: junk})

    assert found.message == "It broke when I paid."
    assert found.happened_at <= NOON


@given(documents(*SAID), documents(*EVENT, *REPORT))
def test_any_document_is_read_or_refused(said: dict[str, Any], document: dict[str, Any]) -> None:
    raw = json.dumps({**document, "contexts": {"feedback": said}}).encode()
    for parse in (parse_feedback, parse_user_report):
        with suppress(Invalid):
            parse(raw, NOON)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for parse in (parse_feedback, parse_user_report):
        with suppress(Invalid):
            parse(raw, NOON)
