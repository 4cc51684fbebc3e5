"""What every journey may ask for: Bugwatch as a process of its own, from the source or from the packed executable."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.journeys.account import Account, sign_up

ROOT = Path(__file__).parents[2]
SOURCE = [str(Path(sys.executable).with_name("bugwatch"))]
PATIENCE_S = 60  # for a start on a machine that is busy with other tests


@dataclass
class Running:
    """A Bugwatch process. `said` is all that it has printed so far, line by line."""

    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        self.said.extend(line.rstrip("\n") for line in self.process.stdout)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self._listener.join(5)
                raise AssertionError("It ended instead of starting:\n" + "\n".join(self.said))
            try:
                httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("It did not get ready:\n" + "\n".join(self.said))

    def wait_for(self, pattern: str) -> str:
        """The first line printed that matches `pattern`; its first group."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line in list(self.said):
                if found := re.search(pattern, line):
                    return found[1]
            time.sleep(0.02)
        raise AssertionError(f"It never said {pattern!r}:\n" + "\n".join(self.said))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._listener.join(5)
        return code


Start = Callable[..., Running]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """`start(command, BUGWATCH_X=…)` runs `command serve` in an empty folder; it has ended when this is left.

    With `data_dir=` it continues where an earlier process stopped; `is_ready=False` does not wait for it.
    """
    running: list[Running] = []

    def begin(
        command: list[str] = SOURCE, *, data_dir: Path = folder / "data", is_ready: bool = True, **settings: str
    ) -> Running:
        place = folder / f"place-{len(running)}"
        place.mkdir()
        port = settings.setdefault("BUGWATCH_PORT", str(free_port()))
        process = subprocess.Popen(
            [*command, "serve"],
            cwd=place,
            env=clean_environment() | {"BUGWATCH_DATA_DIR": str(data_dir)} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(Running(process, f"http://127.0.0.1:{port}"))
        if is_ready:
            running[-1].wait_until_ready()
        return running[-1]

    try:
        yield begin
    finally:
        for one in running:
            if one.process.poll() is None:
                one.end(signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """See `starting`: processes that end with the test."""
    with starting(tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def bugwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Bugwatch from the source, one for all tests of a module, and an account that looks at it."""
    with starting(tmp_path_factory.mktemp("bugwatch")) as begin:
        yield Account(sign_up(begin()))


BINARY = [pytest.mark.binary, pytest.mark.slow, pytest.mark.xdist_group("binary")]


@pytest.fixture(scope="module", params=["source", pytest.param("packed", marks=BINARY)])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """As `bugwatch`, once from the source and once as the packed executable."""
    if request.param == "source":
        yield request.getfixturevalue("bugwatch")
        return
    with starting(tmp_path_factory.mktemp("packed")) as begin:
        yield Account(sign_up(begin([str(request.getfixturevalue("packed"))])))


@pytest.fixture(scope="session")
def packed() -> Path:
    """The one-file executable, built from the tree as it is now (once, whoever asks first)."""
    if not shutil.which("objcopy"):
        pytest.skip("binutils is not installed: the executable cannot be packed here")
    (ROOT / "build").mkdir(exist_ok=True)
    # PyInstaller under coverage would take minutes, and tell nothing.
    environment = {name: value for name, value in clean_environment().items() if not name.startswith("COV")}
    with (ROOT / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "build"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return ROOT / "dist" / "bugwatch"


def clean_environment() -> dict[str, str]:
    """Ours without settings of Bugwatch, of make, or of the test run around us."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BUGWATCH_", "PYTEST_", "MAKE", "MFLAGS"))
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
