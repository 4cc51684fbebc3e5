from __future__ import annotations

import json
from pathlib import Path

import pytest

from bugwatch.domain.event import Event
from bugwatch.protocol.event_dump import dump
from bugwatch.protocol.event_payload import read
from tests.conftest import NOON

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "events").glob("*.json"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_what_is_shown_reads_as_the_same_event(path: Path) -> None:
    event = read(path.read_bytes(), received_at=NOON, remote_addr="198.51.100.4")

    again = read(json.dumps(dump(event, received_at=NOON)).encode(), received_at=NOON)

    assert again == event


def test_an_event_is_shown_in_sentrys_schema() -> None:
    path = next(path for path in FIXTURES if path.stem == "python-chained")

    shown = dump(read(path.read_bytes(), received_at=1_800_000_000_000), received_at=1_800_000_000_000)

    assert shown["received"] == "2027-01-15T08:00:00.000Z"
    assert shown["timestamp"].endswith("Z")
    assert [value["type"] for value in shown["exception"]["values"]] == ["KeyError", "RuntimeError"]
    assert shown["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "chained"
    assert shown["exception"]["values"][-1]["mechanism"]["handled"] is True
    assert shown["breadcrumbs"]["values"][0]["message"] == "opened cart 9"
    assert shown["tags"] == {"shop": "eu-1"}
    assert shown["user"] == {"id": "7", "email": "ada@example.com", "data": {"plan": "pro"}}
    assert (shown["environment"], shown["level"], shown["release"]) == ("staging", "error", "shop@1.4.2")


def test_an_empty_event_shows_only_what_every_event_has() -> None:
    assert dump(Event(event_id="a" * 32), received_at=0) == {
        "event_id": "a" * 32,
        "type": "error",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "received": "1970-01-01T00:00:00.000Z",
        "platform": "other",
        "level": "error",
        "environment": "production",
        "tags": {},
    }


def test_what_was_changed_is_shown_among_the_errors() -> None:
    event = read(b'{"level": "loud"}', received_at=NOON)

    assert dump(event, received_at=NOON)["errors"] == [{"name": "level", "reason": "not a level; taken as error"}]
