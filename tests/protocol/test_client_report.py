from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.client_report import ClientReport, ReportedLoss
from bugwatch.domain.errors import Invalid
from bugwatch.domain.outcome import Category
from bugwatch.protocol.client_report import ENTRIES, MAX_QUANTITY, REASONS, parse
from tests.protocol.hostile import JUNK, NOT_OBJECTS, documents, values

NOON = 1_790_000_000_000


def losses(*entries: Any, name: str = "discarded_events") -> tuple[ReportedLoss, ...]:
    return parse(json.dumps({name: list(entries)}).encode(), NOON).losses


def entry(category: Any = "error", reason: Any = "before_send", quantity: Any = 1) -> dict[str, Any]:
    return {"category": category, "reason": reason, "quantity": quantity}


def test_a_report_as_sdks_send_it() -> None:
    payload = (
        b'{"timestamp":1789999990.5,"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":23}]}'
    )

    assert parse(payload, NOON) == ClientReport(NOON - 9_500, (ReportedLoss(Category.ERROR, "queue_overflow", 23),))


@pytest.mark.parametrize(
    "name", ["discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"]
)
def test_every_list_counts(name: str) -> None:
    assert losses(entry(), name=name) == (ReportedLoss(Category.ERROR, "before_send", 1),)


def test_equal_pairs_are_added_up() -> None:
    assert losses(entry(quantity=2), entry(quantity=3), entry("session", quantity=1)) == (
        ReportedLoss(Category.ERROR, "before_send", 5),
        ReportedLoss(Category.SESSION, "before_send", 1),
    )


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("error", Category.ERROR),
        ("transaction", Category.TRANSACTION),
        ("span", Category.SPAN),
        ("log_item", Category.LOG_ITEM),
        ("monitor", Category.MONITOR),
        ("attachment_item", Category.ATTACHMENT),
        ("span_indexed", Category.SPAN),
        ("user_report_v2", Category.FEEDBACK),
        ("unheard_of", Category.DEFAULT),
        ("", Category.DEFAULT),
    ],
)
def test_the_wires_categories_become_ours(name: str, category: Category) -> None:
    assert losses(entry(name, quantity=4)) == (ReportedLoss(category, "before_send", 4),)


@pytest.mark.parametrize("name", ["log_byte", "profile_duration", "trace_metric_byte"])
def test_bytes_and_milliseconds_are_no_items(name: str) -> None:
    assert losses(entry(name, quantity=70_000)) == ()


def test_attachments_that_some_sdks_count_in_bytes_count_once_an_entry() -> None:
    assert losses(entry("attachment", quantity=70_000)) == (ReportedLoss(Category.ATTACHMENT, "before_send", 1),)


def test_reasons_of_ones_own_become_other() -> None:
    words = [entry(reason=f"word {number}") for number in range(50)]

    assert losses(*words) == (ReportedLoss(Category.ERROR, "other", 50),)


@pytest.mark.parametrize("quantity", [0, -5, None, "3", True, float("nan"), [], {}])
def test_an_entry_without_a_quantity_is_left_out(quantity: Any) -> None:
    assert losses(entry(quantity=quantity), entry(quantity=1)) == (ReportedLoss(Category.ERROR, "before_send", 1),)


def test_quantities_and_entries_are_bounded() -> None:
    assert losses(entry(quantity=10**400)) == (ReportedLoss(Category.ERROR, "before_send", MAX_QUANTITY),)
    assert losses(*[entry()] * (ENTRIES + 50))[0].quantity == ENTRIES


@pytest.mark.parametrize("raw", NOT_OBJECTS)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        parse(raw, NOON)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("key", ["timestamp", "discarded_events", "category", "reason", "quantity"])
def test_junk_anywhere_costs_only_itself(key: str, junk: Any) -> None:
    document = {
        "timestamp": 1,
        "discarded_events": [{**entry(), **({key: junk} if key in entry() else {})}, entry("session")],
    }
    if key not in entry():
        document[key] = junk
    report = parse(json.dumps(document).encode(), NOON)

    assert key == "discarded_events" or ReportedLoss(Category.SESSION, "before_send", 1) in report.losses
    assert all(each.reason in {*REASONS, "other"} for each in report.losses)


@given(
    documents(
        "timestamp",
        "discarded_events",
        "filtered_events",
        inner=values | st.lists(documents("category", "reason", "quantity"), max_size=4),
    )
)
def test_any_document_is_read(document: dict[str, Any]) -> None:
    for each in parse(json.dumps(document).encode(), NOON).losses:
        assert 1 <= each.quantity <= MAX_QUANTITY * ENTRIES


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Invalid):
        parse(raw, NOON)
