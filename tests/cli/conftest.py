"""Commands on a data folder of their own, with a server running over it or without one."""

from __future__ import annotations

import contextlib
import io
import json
import logging
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
from unittest import mock

import pytest

from bugwatch import cli

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

    def run(self, *argv: str, stdin: str = "", cwd: Path = ROOT, **settings: str) -> Said:
        """A command, in this process: what a process of its own costs is mostly its start."""
        out, err = io.StringIO(), io.StringIO()
        root, umask = logging.getLogger(), os.umask(0o022)
        handlers, level = root.handlers[:], root.level
        try:
            with (
                mock.patch.dict(os.environ, self.environment(**settings), clear=True),
                mock.patch.object(sys, "stdin", io.StringIO(stdin)),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
                contextlib.chdir(cwd),
            ):
                code = cli.main(argv)
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            os.umask(umask)
            root.handlers[:] = handlers
            root.setLevel(level)
        return Said(code, out.getvalue(), err.getvalue())

    def spawn(self, *argv: str, **settings: str) -> Said:
        """A command, as a process of its own."""
        process = self.start(*argv, **settings)
        out, err = process.communicate(timeout=PATIENCE_S)
        return Said(process.returncode, out, err)

    def json(self, *argv: str, stdin: str = "") -> Any:
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


@pytest.fixture(params=["stopped", "running"])
def either(request: pytest.FixtureRequest, bugwatch: Operator) -> Operator:
    """With a server and without one: every command does the same."""
    if request.param == "running":
        bugwatch.serve()
    return bugwatch


@pytest.fixture(params=["sqlite-stopped", "sqlite-running", "postgres-stopped", "postgres-running"])
def anywhere(request: pytest.FixtureRequest, bugwatch: Operator) -> Operator:
    """The same on either engine."""
    engine, _, state = request.param.partition("-")
    if engine == "postgres":
        bugwatch.settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    if state == "running":
        bugwatch.serve()
    return bugwatch
