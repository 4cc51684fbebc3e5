"""How much a client may send, in bytes and pieces. Sizes of items and envelopes are those after decompression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

KIB = 1024
MIB = 1024 * KIB

# What Relay allows per item, except for what could never fit into one request of ours. Types not listed may fill the
# whole envelope: they are dropped anyway.
ITEM_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "event": MIB,
        "transaction": MIB,
        "feedback": MIB,
        "security": MIB,
        "raw_security": MIB,
        "nel": MIB,
        "user_report": MIB,
        "session": 10 * MIB,
        "sessions": 10 * MIB,
        "check_in": 100 * KIB,
        "client_report": 100 * KIB,
        "log": 12 * MIB,
        "trace_metric": 12 * MIB,
        "span": 10 * MIB,
        "profile": 50 * MIB,
        "profile_chunk": 50 * MIB,
        "replay_event": MIB,
        "replay_recording": 10 * MIB,
        "replay_video": 10 * MIB,
    }
)

# How many of a type one envelope may hold; the rest of that type is refused. Types not listed: as many as items fit.
ITEM_COUNTS: Mapping[str, int] = MappingProxyType(
    {
        "attachment": 30,
        "session": 100,
        "sessions": 100,
        "check_in": 1,
        "client_report": 100,
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one request, and of all requests together (`in_flight_bytes`)."""

    compressed_bytes: int = 20 * MIB
    expanded_bytes: int = 100 * MIB
    in_flight_bytes: int = 64 * MIB
    header_line_bytes: int = 8 * KIB
    item_count: int = 500
    item_bytes: Mapping[str, int] = field(default_factory=lambda: ITEM_BYTES)
    item_counts: Mapping[str, int] = field(default_factory=lambda: ITEM_COUNTS)


LIMITS = Limits()
