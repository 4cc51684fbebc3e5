"""Running the programs that use an SDK, and where they stand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.conftest import clean_environment

APPS = Path(__file__).with_name("apps")
NODE_MODULES = Path(__file__).with_name("node_modules")

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and (NODE_MODULES / "@sentry").exists()),
    reason="Node or its packages are not installed: the JavaScript SDKs are not tested here",
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: browsers are not tested here")


def run(folder: Path, *command: str | Path, code: int = 0, **environment: str) -> str:
    """What a command in `folder` prints. `code` is how it must end."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=clean_environment() | {"NO_PROXY": "127.0.0.1,localhost"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout
