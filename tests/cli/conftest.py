"""Commands as processes of their own, on a data folder of their own, with a server running over it or without one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What an error must be: one line on stderr, no traceback, nothing on stdout."""
        assert self.code == 1, self
        assert not self.out, self
        assert len(self.err.splitlines()) == 1, self
        assert "Traceback" not in self.err
        return self.err.strip()


@dataclass
class Operator:
    """Somebody at a shell whose Bugwatch keeps its data in `home`."""

    home: Path
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._servers: list[subprocess.Popen[str]] = []

    def run(self, *argv: str, stdin: str | None = None, cwd: Path = ROOT, **settings: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "bugwatch", *argv],
            env=self.environment(**settings),
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def json(self, *argv: str, stdin: str | None = None) -> Any:
        said = self.run(*argv, "--json", stdin=stdin)
        assert said.code == 0, said
        return said.data

    def serve(self, *argv: str, **settings: str) -> subprocess.Popen[str]:
        """A server that is ready for commands."""
        server = self.start("serve", *argv, **settings)
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_listening():
            assert server.poll() is None, server.communicate()
            assert time.monotonic() < deadline, "It did not get ready."
            time.sleep(0.02)
        return server

    def start(self, *argv: str, **settings: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "bugwatch", *argv],
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._servers.append(process)
        return process

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BUGWATCH_")}
        ours = {"DATA_DIR": str(self.home), "PORT": str(self.port), **self.settings, **settings}
        return kept | {"PYTHONPATH": str(ROOT)} | {f"BUGWATCH_{name}": value for name, value in ours.items()}

    def stop(self) -> None:
        for server in self._servers:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
            server.communicate(timeout=PATIENCE_S)
        self._servers.clear()

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            handle = os.open(self.home, os.O_RDONLY) if self.home.exists() else None
            if handle is None:
                return False
            try:
                probe.connect(f"/proc/self/fd/{handle}/bugwatch.sock")
            except OSError:
                return False
            finally:
                os.close(handle)
            return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def bugwatch(tmp_path: Path) -> Iterator[Operator]:
    """No server runs; none of its data is there yet."""
    operator = Operator(tmp_path / "data", free_port())
    yield operator
    operator.stop()


@pytest.fixture(params=["stopped", "running", "stopped-postgres", "running-postgres"])
def either(request: pytest.FixtureRequest, bugwatch: Operator) -> Operator:
    """With a server and without one, on either engine: every command does the same."""
    if request.param.endswith("postgres"):
        bugwatch.settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    if request.param.startswith("running"):
        bugwatch.serve()
    return bugwatch
