"""What a load is driven at: a server that is pinned to the first core, and what can be read off it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
PAGES = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)


@dataclass(frozen=True, slots=True)
class Target:
    """`stored` counts the events that are in the database, `size` its bytes; `pids` have children that belong to it."""

    port: int
    path: str
    pids: tuple[int, ...]
    stored: Callable[[], int]
    size: Callable[[], int] = lambda: 0
    wal: Path | None = None

    def cpu_s(self) -> float:
        """The CPU time that it has used."""
        return sum(_cpu_s(pid) for pid in self._processes())

    def memory_mb(self, what: str = "VmRSS") -> int:
        """Now, or with `VmHWM` at the most."""
        return sum(_memory_mb(pid, what) for pid in self._processes())

    def wal_mb(self) -> float:
        """What the write-ahead log takes on the disk now."""
        return self.wal.stat().st_size / 1e6 if self.wal and self.wal.exists() else 0.0

    def wait_until_stored(self, count: int, patience_s: float = 600) -> float:
        """Seconds until so many events are stored; counting them takes long in a large database, and does not count."""
        began = time.perf_counter()
        while True:
            asked = time.perf_counter()
            if self.stored() >= count or asked - began > patience_s:
                return asked - began
            time.sleep(0.05)

    def _processes(self) -> Iterator[int]:
        for pid in self.pids:
            yield pid
            yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@contextmanager
def bugwatch(command: str, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Target]:
    """`command serve` over what is in the folder, with a new project."""
    port = free_port()
    environment = environment_of(folder, port) | dict(settings or {})
    with running([command, "serve"], environment) as pid:
        wait_for_answer(port)
        project = bugwatch_says([command, "project", "create", "--name", f"Bench {port}"], environment)
        key = project["dsn"].partition("://")[2].partition("@")[0]
        ask = counting(folder / "bugwatch.db")
        yield Target(
            port,
            f"/api/{project['id']}/envelope/?sentry_key={key}",
            (pid,),
            stored=lambda: ask("SELECT COUNT(*) FROM events"),
            size=lambda: ask(PAGES),
            wal=folder / "bugwatch.db-wal",
        )


def environment_of(folder: Path, port: int) -> dict[str, str]:
    """Of a server that takes all that comes and says little."""
    return os.environ | {
        "BUGWATCH_DATA_DIR": str(folder),
        "BUGWATCH_PORT": str(port),
        "BUGWATCH_RATE_LIMIT": "0",
        "BUGWATCH_LOG_LEVEL": "warning",
    }


def bugwatch_says(command: list[str], environment: dict[str, str]) -> Any:
    """What a command answers as JSON."""
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


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


def wait_for_answer(port: int, path: str = "/health/ready") -> None:
    """Until the server answers with a 200."""
    for _ in range(6_000):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise SystemExit("The server did not start.")


@contextmanager
def on_the_other_core() -> Iterator[None]:
    """Meanwhile this process leaves the first core to the server."""
    os.sched_setaffinity(0, CORES[1:] or CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_mb(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(what))
