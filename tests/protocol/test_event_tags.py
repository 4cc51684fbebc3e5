from __future__ import annotations

import json
from typing import Any

import pytest

from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes
from bugwatch.protocol.event_payload import skim
from bugwatch.protocol.event_tags import index_tags, tags_of
from tests.conftest import NOON

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def index(**event: Any) -> dict[str, str]:
    return dict(index_tags(skim(json.dumps(event).encode(), received_at=NOON)))


@pytest.mark.parametrize(
    ("sent", "tags"),
    [
        ({"a": "b"}, {"a": "b"}),
        ([["a", "b"]], {"a": "b"}),
        ({"t2": 5, "t3": None, "t4": True, "t5": 1.5}, {"t2": "5", "t4": "True", "t5": "1.5"}),
        ([["a", "first"], ["a", "second"], ["b"], None, "c", ["d", "e", "f"]], {"a": "first"}),
        ({"my key": "x", "ümlaut/x": "y"}, {"my-key": "x", "_mlaut_x": "y"}),
        ({"a": " two\nlines "}, {"a": "two lines"}),
        ({"a": {"b": 1}}, {"a": '{"b":1}'}),
        ({"release": "1", "dist": "2", "user": "3", "filename": "4", "function": "5"}, {}),
        ({"": "x", " ": "y", "z": ""}, {}),
        ({"k" * 201: "v" * 201}, {"k" * 199 + "_": "v" * 199 + "…"}),
        (None, {}),
        ("a", {}),
        (7, {}),
    ],
)
def test_tags_are_cleaned(sent: Any, tags: dict[str, str]) -> None:
    assert dict(tags_of(sent, Notes())) == tags


def test_the_number_of_tags_is_bounded() -> None:
    assert len(tags_of({f"k{n}": "v" for n in range(limits.TAGS + 1)}, Notes())) == limits.TAGS


def test_an_index_knows_the_fields_that_people_filter_by() -> None:
    found = index(
        level="warning",
        environment="qa",
        release="shop@1",
        dist="7",
        logger="shop",
        server_name="web-1",
        transaction="/cart",
        sdk={"name": "sentry.python"},
        tags={"shop": "eu"},
        exception=[
            {"type": "A", "mechanism": {"type": "chained", "handled": True}},
            {"type": "B", "mechanism": {"type": "excepthook", "handled": False}},
        ],
        contexts={
            "runtime": {"name": "CPython", "version": "3.11.7"},
            "os": {"name": "Linux"},
            "device": {"model": "Pi", "name": "Ada's Pi"},
        },
    )

    assert found == {
        "shop": "eu",
        "environment": "qa",
        "level": "warning",
        "release": "shop@1",
        "dist": "7",
        "logger": "shop",
        "server_name": "web-1",
        "transaction": "/cart",
        "sdk": "sentry.python",
        "mechanism": "excepthook",
        "handled": "no",
        "runtime": "CPython 3.11.7",
        "runtime.name": "CPython",
        "os": "Linux",
        "os.name": "Linux",
        "device": "Pi",
        "device.name": "Pi",
    }


def test_the_sdks_own_tag_wins() -> None:
    assert index(server_name="web-1", tags={"server_name": "mine"})["server_name"] == "mine"


def test_a_browser_is_told_by_its_user_agent_and_its_page_without_query() -> None:
    request = {"url": "https://shop.example/cart?id=9#pay", "headers": {"user-agent": FIREFOX}}

    found = index(platform="javascript", request=request)

    assert (found["browser"], found["browser.name"]) == ("Firefox 140.0", "Firefox")
    assert found["os"] == "Linux"
    assert found["url"] == "https://shop.example/cart"


def test_a_server_event_is_not_tagged_with_its_visitors_browser() -> None:
    found = index(platform="python", request={"url": "https://shop.example/cart", "headers": {"User-Agent": FIREFOX}})

    assert not {"browser", "url"} & found.keys()


@pytest.mark.parametrize(
    "headers",
    [None, [], {}, "x", {"User-Agent": None}, {"User-Agent": []}, [["User-Agent"]], {"User-Agent": "x" * 100_000}],
)
def test_odd_user_agents_tell_nothing(headers: Any) -> None:
    assert "browser" not in index(platform="javascript", request={"headers": headers})


def test_every_value_fits_the_index() -> None:
    found = index(
        transaction="x" * 1_000,
        platform="javascript",
        request={"url": "https://shop.example/" + "x" * 1_000},
        contexts={"browser": {"name": "n" * 1_000, "version": "v" * 1_000}, "os": [], "runtime": {"name": {}}},
    )

    assert max(map(len, found.values())) == limits.TAG


def test_a_raw_description_stands_in_for_a_name() -> None:
    assert index(contexts={"runtime": {"raw_description": ".NET 9.0.1"}})["runtime"] == ".NET 9.0.1"
