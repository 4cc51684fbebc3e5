"""What the load is made of: events that the Python SDK really sent, in 50 groups, each request with a new id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
from isal import igzip

EVENTS = Path(__file__).parents[1] / "fixtures" / "events"
RECORDED = ("python-django", "python-flask")  # 15.7 and 7.8 KB
GROUPS = 50


def envelopes(count: int) -> Iterator[bytes]:
    """`count` gzipped envelopes of one event each; no two have the same event id."""
    groups = [_group(number) for number in range(GROUPS)]
    for number in range(count):
        event_id = uuid.uuid4().hex
        event = groups[number % GROUPS] | {"event_id": event_id, "user": {"id": str(number % 500)}}
        payload = msgspec.json.encode(event)
        header = msgspec.json.encode({"event_id": event_id, "sdk": event["sdk"]})
        item = msgspec.json.encode({"type": "event", "length": len(payload)})
        yield igzip.compress(b"\n".join((header, item, payload, b"")), 1)


def _group(number: int) -> dict[str, object]:
    event = msgspec.json.decode((EVENTS / f"{RECORDED[number % len(RECORDED)]}.json").read_bytes())
    error = event["exception"]["values"][-1]
    error["type"] = f"{error['type']}{number}"
    event.pop("timestamp", None)  # the time of arrival: what was recorded grows too old
    return dict(event)
