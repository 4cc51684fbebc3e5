"""`python -m tests.bench ingest`: how many events a second one core stores, under several loads.

The server has the first core for itself and the load another one. An event counts when it is in the database, digested;
the clock stops when the last one is.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import uvloop

from tests.bench.calibration import calibrate
from tests.bench.corpus import ALL_SDKS, HEADLINE, Mix, made
from tests.bench.figures import Book, Column, Kind, Table, note
from tests.bench.load import Load, Pace, blast
from tests.bench.options import Options
from tests.bench.target import CORES, Target, bugwatch, on_the_other_core

ROOT = Path(__file__).parents[2]
SOURCE = str(Path(sys.executable).with_name("bugwatch"))
AHEAD = 6_000  # envelopes per second of load that are made beforehand
WARM_UP = 1_000  # events, after which there is a dictionary
SETTLING_S = 1.0
STEADY = 1_000  # events a second
LOOK_S = 0.1

COLUMNS = (
    Column("digested/s", Kind.RATE),
    Column("accepted/s"),
    Column("p50 ms", digits=1),
    Column("p99 ms", digits=1),
    Column("max ms"),
    Column("CPU µs", Kind.CPU),
    Column("client %"),
    Column("idle MB", Kind.SIZE),
    Column("peak MB", Kind.SIZE),
    Column("B/event", Kind.SIZE),
    Column("WAL MB"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the load comes. Those that are judged are measured in all rounds and packed too, the others once."""

    name: str
    mix: Mix = HEADLINE
    connections: int = 32
    pace: Pace | None = None
    is_split: bool = False
    is_judged: bool = False


USUAL = Shape("32 connections", is_judged=True)
# Those of one mix stand together: they are driven with the same envelopes.
SHAPES = (
    USUAL,
    Shape("1 connection", connections=1),
    Shape("64 connections", connections=64),
    Shape("head and body apart", is_split=True),
    Shape(f"{STEADY:,}/s steadily", pace=Pace(STEADY)),
    Shape(f"{STEADY:,}/s, 500 at once", connections=64, pace=Pace(STEADY, burst=500)),
    Shape("5,000 groups", Mix(groups=5_000), is_judged=True),
    Shape("seven SDKs", Mix(ALL_SDKS, groups=350)),
    Shape("seven SDKs, br", Mix(ALL_SDKS, groups=350, encoding="br")),
)


def run(book: Book, options: Options) -> None:
    table = Table("ingest", COLUMNS, book)
    for shape in SHAPES:
        bodies = bodies_for(shape.mix, options.seconds)
        for number in range(options.rounds if shape.is_judged else 1):
            for name, command in commands().items():
                if shape.is_judged or command == SOURCE:
                    note(f"{shape.name}, {name}, round {number + 1}")
                    with fresh(command) as target:
                        row(table, f"{name}, {shape.name}", target, shape, bodies, options.seconds)
    table.show(f"{options.seconds:.0f} s of each load, server on one core; client % is the load's own share of a core")


def commands() -> dict[str, str]:
    """What there is to be started: the source, and the executable if it was built."""
    packed = sorted(ROOT.glob("dist/bugwatch-*-linux-*/bugwatch"))
    return {"source": SOURCE} | ({"packed": str(packed[-1])} if packed else {})


@lru_cache(maxsize=1)
def bodies_for(mix: Mix, seconds: float) -> list[bytes]:
    """Enough for the warm-up and for so many seconds; the same ones for the next who asks, as each server is new."""
    note(f"making envelopes of {mix.apps[0] if len(mix.apps) == 1 else 'several SDKs'} in {mix.groups:,} groups")
    return made(WARM_UP + int(seconds * AHEAD), mix)


@contextmanager
def fresh(command: str) -> Iterator[Target]:
    """A server over an empty folder."""
    with tempfile.TemporaryDirectory() as folder, bugwatch(command, Path(folder)) as target:
        yield target


@dataclass(frozen=True, slots=True)
class Measured:
    load: Load
    stored: int  # of the load's events
    seconds: float  # until the last one was stored
    cpu_s: float
    idle_mb: int
    peak_mb: int
    bytes: int
    wal_mb: float

    @property
    def digested_per_s(self) -> float:
        return self.stored / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / max(self.stored, 1) * 1e6


def row(
    table: Table,
    name: str,
    target: Target,
    shape: Shape,
    bodies: Sequence[bytes],
    seconds: float,
    warm_up: int = WARM_UP,
) -> None:
    """Measure a round, with the calibration just before it."""
    calibration = calibrate(CORES[0])
    measured = measure(target, shape, bodies, seconds, warm_up)
    load = measured.load
    table.add(
        name,
        (
            measured.digested_per_s,
            load.answers[200] / load.seconds,
            load.percentile(0.5),
            load.percentile(0.99),
            load.percentile(1),
            measured.cpu_us,
            load.cpu_s / load.seconds * 100,
            measured.idle_mb,
            measured.peak_mb,
            measured.bytes / max(measured.stored, 1),
            measured.wal_mb,
        ),
        calibration,
    )


def measure(target: Target, shape: Shape, bodies: Sequence[bytes], seconds: float, warm_up: int = WARM_UP) -> Measured:
    """Warm the server up with the first `warm_up` bodies, drive it with the others, wait until all is stored."""
    time.sleep(SETTLING_S)
    idle = target.memory_mb()
    with on_the_other_core():
        drive(target, shape, bodies[:warm_up], 60)
        target.wait_until_stored(warm_up)
        stored, cpu, size = target.stored(), target.cpu_s(), target.size()
        with peak_of(target.wal_mb) as wal:
            load = drive(target, shape, bodies[warm_up:], seconds)
            waited = target.wait_until_stored(stored + load.answers[200])
        fresh_events = target.stored() - stored
        if set(load.answers) != {200} or fresh_events != load.answers[200]:
            print(f"  ! answers {dict(load.answers)}, {fresh_events} in the database", file=sys.stderr)
        return Measured(
            load=load,
            stored=fresh_events,
            seconds=load.seconds + waited,
            cpu_s=target.cpu_s() - cpu,
            idle_mb=idle,
            peak_mb=target.memory_mb("VmHWM"),
            bytes=target.size() - size,
            wal_mb=max(wal),
        )


def drive(target: Target, shape: Shape, bodies: Sequence[bytes], seconds: float) -> Load:
    return uvloop.run(
        blast(
            target.port,
            target.path,
            bodies,
            shape.connections,
            seconds,
            encoding=shape.mix.encoding,
            pace=shape.pace,
            is_split=shape.is_split,
        )
    )


@contextmanager
def peak_of(look: Callable[[], float]) -> Iterator[list[float]]:
    """What is seen now and then meanwhile."""
    seen, is_over = [look()], threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_S):
            seen.append(look())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()
