"""What the load is made of: events that the Python SDK really sent, in groups, each with values of its own.

What varies from one error of an app to the next varies here: ids, times, users, the numbers in URLs and variables, the
addresses of objects. What does not, the code and its surroundings, stays.
"""

from __future__ import annotations

import random
import re
import uuid
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

EVENTS = Path(__file__).parents[1] / "fixtures" / "events"
RECORDED = ("python-django", "python-flask")  # 15.7 and 7.8 KB
GROUPS = 50
_ADDRESS = re.compile(rb"0x7f[0-9a-f]{10}")
_SPAN = b"a581d43c0915b2f1"


def envelopes(count: int, groups: int = GROUPS) -> Iterator[bytes]:
    """`count` envelopes of one event each, gzipped as the Python SDK does; no two have the same event id."""
    for event_id, payload in payloads(count, groups):
        header = msgspec.json.encode({"event_id": event_id, "sent_at": _now()})
        item = msgspec.json.encode({"type": "event", "content_type": "application/json", "length": len(payload)})
        squeeze = zlib.compressobj(9, wbits=31)
        yield squeeze.compress(b"\n".join((header, item, payload, b""))) + squeeze.flush()


def payloads(count: int, groups: int = GROUPS) -> Iterator[tuple[str, bytes]]:
    """`count` event ids, each with its event as JSON."""
    dice = random.Random(1)
    recorded = [_group(number) for number in range(groups)]
    for number in range(count):
        event_id = uuid.uuid4().hex
        yield event_id, _varied(recorded[number % groups], event_id, dice)


def _varied(event: bytes, event_id: str, dice: random.Random) -> bytes:
    """The event as it would come from another request of another user."""
    addresses = [f"0x7f{dice.randrange(2**40):010x}".encode() for _ in range(8)]
    number = str(dice.randrange(10, 100_000)).encode()
    for old, new in (
        (b'"EVENT"', b'"%s"' % event_id.encode()),
        (b'"TIME"', b'"%s"' % _now().encode()),
        (b'"USER"', b'"%d"' % dice.randrange(500)),
        (b"orders/17", b"orders/" + number),
        (b'"17"', b'"%s"' % number),
        (b"cart/9", b"cart/" + number),
        (b'"9"', b'"%s"' % number),
        (b"3754", str(dice.randrange(1_000, 10_000)).encode()),
        (_SPAN, f"{dice.randrange(2**64):016x}".encode()),
    ):
        event = event.replace(old, new)
    return _ADDRESS.sub(lambda match: addresses[match[0][-1] % len(addresses)], event)


def _group(number: int) -> bytes:
    event: dict[str, Any] = msgspec.json.decode((EVENTS / f"{RECORDED[number % len(RECORDED)]}.json").read_bytes())
    error = event["exception"]["values"][-1]
    error["type"] = f"{error['type']}{number}"
    event |= {"event_id": "EVENT", "timestamp": "TIME", "user": {"id": "USER"}}
    return msgspec.json.encode(event)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
