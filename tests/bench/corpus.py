"""What the load is made of: events that real SDKs sent, in groups, each with values of its own.

What varies from one error of an app to the next varies here: ids, times, users, the numbers in URLs and variables, the
addresses of objects. What does not, the code and its surroundings, stays. The events of SDKs whose recorded app was
tiny get what a grown one has around its error: the frames of a framework, breadcrumbs, modules.
"""

from __future__ import annotations

import random
import re
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import brotli
import msgspec

from tests.bench.surroundings import grown

FIXTURES = Path(__file__).parents[1] / "fixtures"
GROUPS = 50
FRAMES = 8  # of the Django event that are kept, which makes it the 14 KB that most of them have
CHUNK = 1_000
_ADDRESS = re.compile(rb"0x7f[0-9a-f]{10}")
_SPAN = b"a581d43c0915b2f1"

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mix:
    """Events of `apps` in turn, in so many `groups`, each in an envelope that is sent in this `encoding`."""

    apps: tuple[str, ...] = ("django",)
    groups: int = GROUPS
    encoding: str = "gzip"


HEADLINE = Mix()


def envelopes(count: int, mix: Mix = HEADLINE, seed: int = 1) -> Iterator[bytes]:
    """`count` envelopes of one event each, encoded as the SDK does; no two have the same event id."""
    encode = ENCODINGS[mix.encoding]
    for event_id, payload in payloads(count, mix, seed):
        header = msgspec.json.encode({"event_id": event_id, "sent_at": _now()})
        item = msgspec.json.encode({"type": "event", "content_type": "application/json", "length": len(payload)})
        yield encode(b"\n".join((header, item, payload, b"")))


def payloads(count: int, mix: Mix = HEADLINE, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """`count` event ids, each with its event as JSON."""
    dice = random.Random(seed)
    recorded = _groups(mix)
    for number in range(count):
        event_id = uuid.uuid4().hex
        yield event_id, _varied(recorded[number % mix.groups], event_id, dice)


def made(count: int, mix: Mix = HEADLINE) -> list[bytes]:
    """`envelopes`, made on all cores: at the strength with which SDKs compress, one takes longer than storing it."""
    chunk = max(CHUNK, mix.groups)
    _groups(mix)  # before there are processes: they inherit it
    with ProcessPoolExecutor() as pool:
        chunks = pool.map(partial(_chunk, chunk, mix), range(1, count // chunk + 2))
        return [body for bodies in chunks for body in bodies][:count]


def _chunk(count: int, mix: Mix, seed: int) -> list[bytes]:
    return list(envelopes(count, mix, seed))


def _gzip(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    return squeeze.compress(data) + squeeze.flush()


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gzip,
    "br": partial(brotli.compress, quality=4),
    "identity": bytes,
}


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


@cache
def _groups(mix: Mix) -> list[bytes]:
    return [_group(mix, number) for number in range(mix.groups)]


def _group(mix: Mix, number: int) -> bytes:
    """The event of this group, with words where values are to vary."""
    event = APPS[mix.apps[number % len(mix.apps)]]()
    found = event["exception"]
    error = (found if isinstance(found, list) else found["values"])[-1]
    error["type"] = f"{error['type']}{number}"
    event |= {"event_id": "EVENT", "timestamp": "TIME", "user": {"id": "USER"}}
    return msgspec.json.encode(event)


def _recorded(name: str) -> Payload:
    event: Payload = msgspec.json.decode((FIXTURES / "events" / f"{name}.json").read_bytes())
    return event


def _django() -> Payload:
    event = _recorded("python-django")
    stack = event["exception"]["values"][-1]["stacktrace"]
    stack["frames"] = stack["frames"][-FRAMES:]
    return event


def _with_error(name: str, platform: str) -> Payload:
    """A recorded message that becomes the first recorded error of its platform."""
    event = _recorded(name)
    for key in ("message", "threads", "fingerprint", "logentry"):
        event.pop(key, None)
    first = (FIXTURES / "grouping" / f"{platform}.jsonl").read_bytes().partition(b"\n")[0]
    return grown(event | {"exception": msgspec.json.decode(first)["exception"], "level": "error"})


APPS: dict[str, Callable[[], Payload]] = {
    "django": _django,
    "flask": partial(_recorded, "python-flask"),
    "node": partial(_with_error, "node-message", "node"),
    "browser": lambda: grown(_recorded("browser-error")),
    "go": lambda: grown(_recorded("go-error")),
    "java": partial(_with_error, "java-message", "java"),
    "php": lambda: grown(_recorded("php-error")),
}
ALL_SDKS = tuple(APPS)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
