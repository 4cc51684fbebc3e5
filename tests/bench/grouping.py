"""`python -m tests.bench grouping`: how right is grouping on the labelled corpus, beside others' published rules, and
what does it cost?

Times mean little on a machine that does other things; so each stands beside `json.loads` of the same event.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from bugwatch.domain import frame_key
from bugwatch.domain import parameterize as parameterized
from bugwatch.domain.event import Event
from bugwatch.domain.fingerprint import group
from bugwatch.domain.stacktrace import SharedFrames
from bugwatch.protocol.event_payload import skim
from tests.bench.calibration import calibrate
from tests.bench.figures import Book, Calibration, Column, Kind, Table, note
from tests.bench.options import Options
from tests.bench.target import CORES
from tests.grouping_corpus import AREAS, Area, event, pairs, read
from tests.grouping_corpus import error as error_of

MESSAGES = Path(__file__).parents[1] / "fixtures" / "messages.txt"

COLUMNS = (Column("group µs", Kind.CPU), Column("new frames µs", Kind.CPU), Column("json.loads µs"))

Key = Callable[[Event], Hashable]

# --- how others are said to group ---

# What was replaced in messages around 2023, as documented: one regular expression after the other's places.
_OLD_RULES = re.compile(
    r"""(?x)
    (?P<email>[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*)
    | (?P<url>\b(?:wss?|https?|ftp)://[^\s/$.?\#][^\s]*)
    | (?P<ip>\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b)
    | (?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
    | (?P<sha1>\b[0-9a-fA-F]{40}\b) | (?P<md5>\b[0-9a-fA-F]{32}\b)
    | (?P<date>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?)
    | (?P<hex>\b0[xX][0-9a-fA-F]+\b)
    | (?P<float>-\d+\.\d+\b|\b\d+\.\d+\b)
    | (?P<int>-\d+\b|\b\d+\b)
    | (?P<quoted_str>='[^']*'|="[^"]*")
    | (?P<bool>=(?:True|true|False|false)\b)
    """
)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _said(event_: Event) -> tuple[str, str]:
    """Type and text of the outermost exception, else the message."""
    if event_.exceptions:
        return event_.exceptions[-1].type, _first_line(event_.exceptions[-1].value)
    return "", _first_line(event_.message)


def glitchtip(event_: Event) -> Hashable:
    """Title, culprit and type; the parts of a fingerprint as they are."""
    if event_.fingerprint and event_.fingerprint != ("{{ default }}",):
        return event_.fingerprint
    crash = event_.exceptions[-1].frames[-1] if event_.exceptions and event_.exceptions[-1].frames else None
    place = event_.transaction or (f"{crash.module or crash.filename} in {crash.function}" if crash else "")
    return (*_said(event_), place, event_.csp_directive, event_.csp_blocked)


def bugsink_1(event_: Event) -> Hashable:
    """Title and transaction."""
    return event_.fingerprint or (*_said(event_), event_.transaction, event_.csp_directive, event_.csp_blocked)


def bugsink_2(event_: Event) -> Hashable:
    """Type and the first line of the text without what varies; no frames, no transaction."""
    type_, text = _said(event_)
    template = _OLD_RULES.sub(lambda match: f"<{match.lastgroup}>", event_.message_template or text)
    return event_.fingerprint or (type_, template, event_.csp_directive, event_.csp_blocked)


def ours(event_: Event) -> Hashable:
    return group(event_).hash


MECHANISMS: dict[str, Key] = {
    "Bugwatch": ours,
    "Bugsink 2": bugsink_2,
    "Bugsink 1": bugsink_1,
    "GlitchTip": glitchtip,
}

# --- how right ---


@dataclass(slots=True)
class Score:
    """Pairs: joined and rightly so, joined wrongly, split wrongly, split and rightly so."""

    joined: int = 0
    over: list[str] | None = None
    under: list[str] | None = None
    split: int = 0

    @property
    def precision(self) -> float:
        return self.joined / max(1, self.joined + len(self.over or ()))

    @property
    def recall(self) -> float:
        return self.joined / max(1, self.joined + len(self.under or ()))


def score(areas: Iterable[Area], key: Key) -> Score:
    """How a mechanism judges every two events of each area."""
    result = Score(over=[], under=[])
    assert result.over is not None
    assert result.under is not None
    for area in areas:
        keys = {id(payload): key(read(payload)) for payloads in area.values() for payload in payloads}
        for one_bug, two_bug, one, two, is_same in pairs(area):
            if keys[id(one)] == keys[id(two)]:
                result.joined += is_same
                if not is_same:
                    result.over.append(f"{one_bug} / {two_bug}")
            elif is_same:
                result.under.append(one_bug)
            else:
                result.split += 1
    return result


def report() -> str:
    """Precision and recall of each mechanism on the corpus, as a table."""
    count = sum(len(payloads) for area in AREAS.values() for payloads in area.values())
    bugs = sum(len(area) for area in AREAS.values())
    lines = [
        f"{count} events of {bugs} bugs",
        f"{'':12} {'precision':>9} {'recall':>7}  {'wrongly joined':>14} {'split':>6}",
    ]
    for name, key in MECHANISMS.items():
        got = score(AREAS.values(), key)
        wrong = f"{len(got.over or ()):14} {len(got.under or ()):6}"
        lines.append(f"{name:12} {got.precision:9.1%} {got.recall:7.1%}  {wrong}")
    return "\n".join(lines)


# --- at what cost ---


def microseconds(call: Callable[[], object], rounds: int = 5) -> float:
    """Processor time; the best of forty, as what else the machine does can only add."""
    best = float("inf")
    for _ in range(40):
        begin = time.thread_time_ns()
        for _ in range(rounds):
            call()
        best = min(best, time.thread_time_ns() - begin)
    return best / rounds / 1_000


def thirty_frames() -> bytes:
    """30 frames of the app's own, and 30 of libraries."""
    lines = [
        f"+ shop.part{n} step_{n} /app/shop/part{n}.py {n} | return step_{n + 1}(cart)\n"
        f"- django.part{n} call /venv/lib/python3.12/site-packages/django/part{n}.py {n} | return call()"
        for n in range(1, 31)
    ]
    return msgspec.json.encode(event("python", error_of("ValueError", "cart 42 is empty", "\n".join(lines))))


def costs(table: Table, calibration: Calibration) -> None:
    """A round: each area of the corpus, as it comes again and as it comes for the first time."""
    areas: dict[str, Area] = {**AREAS, "30 of 60 frames": {"": []}}
    for name, area in areas.items():
        raws = [msgspec.json.encode(payload) for payloads in area.values() for payload in payloads] or [thirty_frames()]
        events = [skim(raw, received_at=0) for raw in raws]

        def warm(events: list[Event] = events) -> None:
            for e in events:
                group(e)

        def cold(events: list[Event] = events) -> None:
            _forget(events)
            warm(events)

        def load(raws: list[bytes] = raws) -> None:
            for raw in raws:
                json.loads(raw)

        new = microseconds(cold) - microseconds(partial(_forget, events))
        table.add(name, tuple(µs / len(raws) for µs in (microseconds(warm), new, microseconds(load))), calibration)


def _new(message: str) -> str:
    """A message that was not seen before."""
    parameterized._named.cache_clear()
    return parameterized.parameterize(message)


def parameterizing() -> str:
    """What it costs to find what varies in a message, usual and at the worst."""
    messages = [line.partition(" | ")[0] for line in MESSAGES.read_text().splitlines() if " | " in line]
    each = microseconds(lambda: [_new(message) for message in messages], 1) / len(messages)
    length = sum(map(len, messages)) / len(messages)
    worst = max((microseconds(lambda p=p: _new(p * 500), 1), p) for p in WORST)  # type: ignore[misc]
    return (
        f"parameterize: {each:.0f} µs for a message of {length:.0f} characters ({len(messages)} messages)\n"
        f"parameterize: {worst[0] / 1000:.1f} ms for the worst text known, {worst[1]!r} again and again"
    )


WORST = (
    "a@",
    "1:",
    '="',
    "http://",
    "Mon ",
    "::1",
    "'",
    " ($",
    "aA1+/<A: ",
    "a_a_A1code ",
    ":1111111111",
    "a-b.1:",
    "01-C:\\a\\",
)


def _forget(events: Iterable[Event] = ()) -> None:
    """As if nothing was seen before: no frame, no stack of these events, no message."""
    frame_key._key.cache_clear()
    parameterized._named.cache_clear()
    for frames in (exception.frames for e in events for exception in e.exceptions):
        if isinstance(frames, SharedFrames):
            frames.found.clear()


def run(book: Book, options: Options) -> None:
    print(f"\n{report()}")
    table = Table("grouping", COLUMNS, book)
    for number in range(options.rounds):
        note(f"grouping, round {number + 1}")
        costs(table, calibrate(CORES[0]))
    table.show("µs of CPU for an event of each area")
    print(parameterizing())
