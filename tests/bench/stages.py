"""`python -m tests.bench.stages`: what each step of ingestion costs, without a server around it.

Best of many rounds in CPU time: a busy machine makes all of it slower, so look at the last column, which counts in
decodings of the same events by msgspec, measured in the same breath.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from bugwatch.domain import fingerprint
from bugwatch.domain.scrub import Scrubber
from bugwatch.protocol import encoding, envelope, event_payload
from bugwatch.protocol.event_scrub import EventScrubber
from bugwatch.protocol.event_tags import index_tags
from tests.bench.corpus import envelopes

EVENTS = 200
ROUNDS = 30
RECEIVED_AT = 1_795_299_124_594

T = TypeVar("T")
R = TypeVar("R")


def main() -> None:
    bodies = list(envelopes(EVENTS))
    scrubber = EventScrubber(Scrubber())

    def skim(payload: bytes) -> event_payload.Event:
        return event_payload.skim(payload, received_at=RECEIVED_AT, header_event_id="a" * 32)

    payloads = [envelope.parse(encoding.decode(body, "gzip", limit=10**7)).items[0].payload for body in bodies]
    unit = cost(msgspec.json.decode, payloads)
    print(f"{EVENTS} events of {sum(map(len, payloads)) / EVENTS / 1000:.1f} KB\n")
    print(f"{'':10} {'CPU µs':>7} {'decodings':>10}")
    total = 0.0

    def show(name: str, step: Callable[[T], R], inputs: Sequence[T]) -> list[R]:
        nonlocal total
        took = cost(step, inputs)
        total += took
        print(f"{name:10} {took:7.1f} {took / unit:10.2f}")
        return [step(one) for one in inputs]

    raw = show("expand", lambda body: encoding.decode(body, "gzip", limit=10**7), bodies)
    items = show("frame", lambda body: envelope.parse(body).items[0].payload, raw)
    clean = show("scrub", scrubber.scrub, items)
    events = show("skim", skim, clean)
    show("group", fingerprint.group, events)
    show("tags", index_tags, events)
    print(f"{'all':10} {total:7.1f} {total / unit:10.2f}")


def cost(step: Callable[[T], object], inputs: Sequence[T]) -> float:
    """µs of CPU per input, in the best of ROUNDS."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for one in inputs:
            step(one)
        best = min(best, time.process_time() - began)
    return best / len(inputs) * 1e6


if __name__ == "__main__":
    main()
