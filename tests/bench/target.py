"""What a load is driven at: a server that is pinned to the first core, and what can be read off it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Target:
    """`stored` counts the events that are in the database; `pids` have children that belong to it."""

    port: int
    path: str
    pids: tuple[int, ...]
    stored: Callable[[], int]

    def cpu_s(self) -> float:
        """The CPU time that it has used."""
        return sum(_cpu_s(pid) for pid in self._processes())

    def memory_mb(self, what: str = "VmRSS") -> int:
        """Now, or with `VmHWM` at the most."""
        return sum(_memory_mb(pid, what) for pid in self._processes())

    def wait_until_stored(self, count: int, patience_s: float = 600) -> float:
        """Seconds until so many events are stored."""
        began = time.perf_counter()
        while self.stored() < count and time.perf_counter() - began < patience_s:
            time.sleep(0.05)
        return time.perf_counter() - began

    def _processes(self) -> Iterator[int]:
        for pid in self.pids:
            yield pid
            yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@contextmanager
def bugwatch(command: str, folder: Path) -> Iterator[Target]:
    """`command serve` over an empty folder, with a project."""
    port = free_port()
    environment = os.environ | {
        "BUGWATCH_DATA_DIR": str(folder),
        "BUGWATCH_PORT": str(port),
        "BUGWATCH_RATE_LIMIT": "0",
        "BUGWATCH_LOG_LEVEL": "warning",
    }
    with running([command, "serve"], environment) as pid:
        wait_for_answer(f"http://127.0.0.1:{port}/health/ready")
        created = subprocess.run(
            [command, "project", "create", "--name", "Bench", "--json"],
            env=environment,
            check=True,
            capture_output=True,
        )
        project = json.loads(created.stdout)
        key = project["dsn"].partition("://")[2].partition("@")[0]
        count = counting(folder / "bugwatch.db")
        yield Target(
            port,
            f"/api/{project['id']}/envelope/?sentry_key={key}",
            (pid,),
            lambda: count("SELECT COUNT(*) FROM events"),
        )


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path | None = None) -> Iterator[int]:
    """A process with all its children on the first core; its number. In a `folder` of its own it is kept silent."""
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=None if folder is None else subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, CORES[:1]),
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def counting(database: Path) -> Callable[[str], int]:
    """Asks a SQLite file that its server is using."""

    def count(sql: str) -> int:
        with sqlite.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
            found: int = connection.execute(sql).fetchone()[0]
            return found

    return count


def wait_for_answer(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("The server did not start.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_mb(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(what))
