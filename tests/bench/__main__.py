"""`make bench`: how many real SDK events a second one core stores, from the source and from the packed executable.

The server has the first core for itself and the load another one, so that figures of two machines can be compared.
Compare within one run only: a virtual machine is a third faster or slower from one minute to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import uvloop
from pysqlite3 import dbapi2 as sqlite

from tests.bench.corpus import envelopes
from tests.bench.load import Load, blast

ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
AHEAD = 6_000  # envelopes per second of load that are made beforehand


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--connections", type=int, default=64)
    asked = arguments.parse_args()

    print(f"{platform.processor() or platform.machine()}, {len(CORES)} cores, Python {platform.python_version()}")
    print(f"{asked.connections} connections, {asked.seconds:.0f} s\n")
    print(
        f"{'':8} {'stored/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'CPU µs':>7} {'idle MB':>8} {'peak MB':>8} {'B/event':>8}"
    )
    folders = sorted(ROOT.glob("dist/bugwatch-*-linux-*/bugwatch"))
    for name, command in {"source": [Path(sys.executable).with_name("bugwatch")], "packed": folders[-1:]}.items():
        if command:
            measure(name, str(command[0]), asked.connections, asked.seconds)


def measure(name: str, command: str, connections: int, seconds: float) -> None:
    """Start `command`, load it, print one line."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        environment = os.environ | {
            "BUGWATCH_DATA_DIR": folder,
            "BUGWATCH_PORT": str(port),
            "BUGWATCH_RATE_LIMIT": "0",
            "BUGWATCH_LOG_LEVEL": "warning",
        }
        server = subprocess.Popen([command], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_until_ready(port)
            _pin(server.pid, CORES[:1])
            os.sched_setaffinity(0, CORES[1:] or CORES)
            created = [command, "project", "create", "--name", "Bench", "--json"]
            project = json.loads(subprocess.run(created, env=environment, check=True, capture_output=True).stdout)
            key = project["dsn"].partition("://")[2].partition("@")[0]
            path = f"/api/{project['id']}/envelope/?sentry_key={key}"
            bodies = list(envelopes(int(seconds * AHEAD)))
            uvloop.run(blast("127.0.0.1", port, path, iter(bodies[:500]), connections, seconds))
            idle, before = _memory(server.pid, "VmRSS"), _cpu(server.pid)
            load = uvloop.run(blast("127.0.0.1", port, path, iter(bodies[500:]), connections, seconds))
            load.seconds += _wait_until_digested(Path(folder))
            cpu = _cpu(server.pid) - before
            peak = _memory(server.pid, "VmHWM")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
        stored, size = _stored(Path(folder))
        _print(name, load, stored, cpu, idle, peak, size)


def _print(name: str, load: Load, stored: int, cpu: float, idle: int, peak: int, size: int) -> None:
    accepted = load.answers[200]
    print(
        f"{name:8} {accepted / load.seconds:9,.0f} {load.percentile(0.5):7.1f} {load.percentile(0.99):7.1f}"
        f" {cpu / max(accepted, 1) * 1e6:7.0f} {idle:8} {peak:8} {size / max(stored, 1):8,.0f}"
    )
    if stored != accepted + 500 or set(load.answers) != {200}:
        print(f"         answers {dict(load.answers)}, {stored - 500} in the database")


def _wait_until_digested(folder: Path) -> float:
    """Seconds until nothing is left in the spool."""
    began = time.perf_counter()
    with sqlite.connect(f"file:{folder / 'bugwatch.db'}?mode=ro", uri=True) as connection:
        while connection.execute("SELECT count(*) FROM spool").fetchone()[0]:
            time.sleep(0.02)
    return time.perf_counter() - began


def _stored(folder: Path) -> tuple[int, int]:
    """How many events the file holds, and its bytes, after the server has ended."""
    database = folder / "bugwatch.db"
    with sqlite.connect(database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM events").fetchone()
    return count, database.stat().st_size


def _wait_until_ready(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("The server did not start.")


def _pin(pid: int, cores: list[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def _cpu(pid: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int, what: str) -> int:
    """In MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(what))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
