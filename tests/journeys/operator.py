"""What an operator types, for journeys that are about something else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.journeys.conftest import clean_environment


def run(command: list[str], data_dir: Path, *words: str, **settings: str) -> Any:
    """What `bugwatch WORDS --json` prints."""
    done = subprocess.run(
        [*command, *words, "--json"],
        env=clean_environment() | {"BUGWATCH_DATA_DIR": str(data_dir)} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def new_project(command: list[str], data_dir: Path, name: str = "Shop", **settings: str) -> dict[str, Any]:
    """What `bugwatch project create` says, and the DSN's `key`."""
    made: dict[str, Any] = run(command, data_dir, "project", "create", "--name", name, **settings)
    return made | {"key": made["dsn"].partition("://")[2].partition("@")[0]}
