"""Breadcrumbs in one line each."""

from __future__ import annotations

import pytest

from bugwatch.domain.event import Breadcrumb, Event, ExceptionValue
from bugwatch.server.dashboard.breadcrumbs import CrumbView, crumbs_of

AT = 1_790_000_000_000


def shown(crumb: Breadcrumb) -> CrumbView:
    return crumbs_of(Event(happened_at=AT, breadcrumbs=(crumb,)))[0]


def test_a_request_says_its_method_address_and_answer() -> None:
    data = {"url": "/v1/carts", "method": "GET", "status_code": 502, "reason": "Bad Gateway", "size": 12}
    crumb = shown(Breadcrumb(AT - 4_812, "http", "httplib", "error", data=data))

    assert (crumb.lead, crumb.text, crumb.details) == ("GET", "/v1/carts → 502 Bad Gateway", "size=12")
    assert (crumb.icon, crumb.kind, crumb.before) == ("globe", "error", "−4.812 s")


def test_a_navigation_says_from_where_to_where() -> None:
    assert shown(Breadcrumb(category="navigation", data={"from": "/", "to": "/cart"})).text == "/ → /cart"


def test_a_message_stands_before_its_data() -> None:
    crumb = shown(Breadcrumb(category="query", level="warning", message="SELECT 1", data={"rows": [1, 2]}))

    assert (crumb.text, crumb.details, crumb.icon, crumb.kind) == ("SELECT 1", "rows=[1,2]", "database", "warn")


@pytest.mark.parametrize(
    ("category", "icon"),
    [
        ("ui.click", "mouse-pointer-click"),
        ("console", "terminal"),
        ("fetch", "globe"),
        ("redis", "zap"),
        ("", "terminal"),
    ],
)
def test_a_category_has_its_icon(category: str, icon: str) -> None:
    assert shown(Breadcrumb(category=category)).icon == icon


@pytest.mark.parametrize(
    ("past_ms", "before"),
    [(0, "0"), (16, "−0.016 s"), (-250, "+0.250 s"), (130_000, "−2 min"), (7_300_000, "−2 h")],
)
def test_the_time_is_told_as_seen_from_the_event(past_ms: int, before: str) -> None:
    assert shown(Breadcrumb(AT - past_ms)).before == before


def test_the_event_itself_comes_last() -> None:
    event = Event(happened_at=AT, breadcrumbs=(Breadcrumb(),), exceptions=(ExceptionValue("KeyError", "k\nmore"),))

    assert (crumbs_of(event)[-1].text, crumbs_of(event)[-1].before) == ("KeyError: k", "0")
    assert crumbs_of(event)[0].before == ""


def test_an_event_without_breadcrumbs_shows_none() -> None:
    assert crumbs_of(Event()) == ()
