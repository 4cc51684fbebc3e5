from __future__ import annotations

import pytest

from bugwatch.domain.outcome import Category
from bugwatch.protocol.categories import category_of, quantity_of, refusal_of, to_switch_off
from bugwatch.protocol.envelope import Item


@pytest.mark.parametrize(
    ("item_type", "category"),
    [
        ("event", Category.ERROR),
        ("attachment", Category.ATTACHMENT),
        ("user_report", Category.FEEDBACK),
        ("feedback", Category.FEEDBACK),
        ("session", Category.SESSION),
        ("sessions", Category.SESSION),
        ("check_in", Category.MONITOR),
        ("client_report", Category.INTERNAL),
        ("security", Category.SECURITY),
        ("raw_security", Category.SECURITY),
    ],
)
def test_what_the_product_serves(item_type: str, category: Category) -> None:
    assert category_of(item_type) is category
    assert refusal_of(item_type) is None
    assert to_switch_off([item_type]) == ()


@pytest.mark.parametrize(
    ("item_type", "category", "names"),
    [
        ("transaction", Category.TRANSACTION, ("transaction",)),
        ("span", Category.SPAN, ("span",)),
        ("profile", Category.PROFILE, ("profile",)),
        ("profile_chunk", Category.PROFILE_CHUNK, ("profile_chunk", "profile_chunk_ui")),
        ("replay_event", Category.REPLAY, ("replay",)),
        ("replay_recording", Category.REPLAY, ("replay",)),
        ("replay_video", Category.REPLAY, ("replay",)),
        ("log", Category.LOG_ITEM, ("log_byte", "log_item")),
        ("trace_metric", Category.TRACE_METRIC, ("trace_metric",)),
        ("statsd", Category.DEFAULT, ("metric_bucket",)),
    ],
)
def test_what_it_does_not_serve_yet_is_counted_and_switched_off(
    item_type: str, category: Category, names: tuple[str, ...]
) -> None:
    assert category_of(item_type) is category
    assert refusal_of(item_type) == "unsupported"
    assert to_switch_off([item_type]) == names


@pytest.mark.parametrize("item_type", ["", "unheard_of", "Event", "event ", "\x00", "x" * 10_000])
def test_what_nobody_knows_is_counted_by_default_and_never_switches_anything_off(item_type: str) -> None:
    assert category_of(item_type) is Category.DEFAULT
    assert refusal_of(item_type) == "unknown_type"
    assert to_switch_off([item_type]) == ()


def test_names_to_switch_off_come_once_and_in_order() -> None:
    assert to_switch_off(["span", "event", "replay_event", "span", "replay_video"]) == ("replay", "span")


@pytest.mark.parametrize(
    ("item_type", "item_count", "quantity"),
    [
        ("event", None, 1),
        ("event", 50, 1),
        ("sessions", 50, 1),
        ("log", None, 1),
        ("log", 0, 1),
        ("log", 7, 7),
        ("span", 7, 7),
        ("log", 10**18, 100),
    ],
)
def test_containers_count_for_what_they_hold_as_far_as_their_bytes_allow(
    item_type: str, item_count: int | None, quantity: int
) -> None:
    assert quantity_of(Item(item_type, memoryview(bytes(100)), item_count=item_count)) == quantity
