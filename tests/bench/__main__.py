"""`make bench`: how many real SDK events a second one core stores, from the source and from the packed executable.

The server has the first core for itself and the load another one. A virtual machine is a third faster or slower from
one minute to the next: compare within one run, and between machines by the last column but one, which tells the CPU
time of an event in decodings of its JSON by msgspec, measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

import msgspec
import uvloop

from bugwatch.protocol import encoding, envelope
from tests.bench.corpus import envelopes
from tests.bench.load import blast
from tests.bench.stages import cost
from tests.bench.target import CORES, bugwatch

ROOT = Path(__file__).parents[2]
AHEAD = 6_000  # envelopes per second of load that are made beforehand
WARM_UP = 500


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--connections", type=int, default=64)
    asked = arguments.parse_args()

    unit = decoding()
    print(f"{platform.processor() or platform.machine()}, {len(CORES)} cores, Python {platform.python_version()}")
    print(f"{asked.connections} connections, {asked.seconds:.0f} s; a decoding takes {unit:.0f} µs\n")
    heads = ("stored/s", "p50 ms", "p99 ms", "CPU µs", "decodings", "idle MB", "peak MB", "B/event")
    print(f"{'':8}" + "".join(f"{head:>10}" for head in heads))
    folders = sorted(ROOT.glob("dist/bugwatch-*-linux-*/bugwatch"))
    for name, command in {"source": [Path(sys.executable).with_name("bugwatch")], "packed": folders[-1:]}.items():
        if command:
            measure(name, str(command[0]), asked.connections, asked.seconds, unit)


def decoding() -> float:
    """µs of CPU in which msgspec decodes an event of the load, on average."""
    bodies = [encoding.decode(body, "gzip", limit=10**7) for body in envelopes(100)]
    return cost(msgspec.json.decode, [envelope.parse(body).items[0].payload for body in bodies])


def measure(name: str, command: str, connections: int, seconds: float, unit: float) -> None:
    """Start `command`, load it, print one line."""
    bodies = list(envelopes(int(seconds * AHEAD)))
    with tempfile.TemporaryDirectory() as folder:
        with bugwatch(command, Path(folder)) as target:
            os.sched_setaffinity(0, CORES[1:] or CORES)
            uvloop.run(blast(target.port, target.path, iter(bodies[:WARM_UP]), connections, seconds))
            idle, before = target.memory_mb(), target.cpu_s()
            load = uvloop.run(blast(target.port, target.path, iter(bodies[WARM_UP:]), connections, seconds))
            accepted = load.answers[200]
            load.seconds += target.wait_until_stored(accepted + WARM_UP)
            cpu = (target.cpu_s() - before) / max(accepted, 1) * 1e6
            peak, stored = target.memory_mb("VmHWM"), target.stored()
        size = (Path(folder) / "bugwatch.db").stat().st_size / max(stored, 1)
    os.sched_setaffinity(0, CORES)
    print(
        f"{name:8}{accepted / load.seconds:10,.0f}{load.percentile(0.5):10.1f}{load.percentile(0.99):10.1f}"
        f"{cpu:10.0f}{cpu / unit:10.1f}{idle:10}{peak:10}{size:10,.0f}"
    )
    if stored != accepted + WARM_UP or set(load.answers) != {200}:
        print(f"        answers {dict(load.answers)}, {stored - WARM_UP} in the database")


if __name__ == "__main__":
    main()
