"""What all commands promise: exit codes, one sentence for an error, flags before and after the verb."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Operator


def test_a_wrong_verb_is_wrong_usage(bugwatch: Operator) -> None:
    said = bugwatch.run("explode")

    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert "explode" in said.err


def test_a_missing_argument_is_wrong_usage(bugwatch: Operator) -> None:
    said = bugwatch.run("project", "create")

    assert (said.code, said.err) == (
        2,
        "bugwatch project create: the following arguments are required: --name. "
        "See “bugwatch project create --help”.\n",
    )


@pytest.mark.parametrize("argv", [["--port", "1234", "config"], ["config", "--port", "1234"]])
def test_settings_may_stand_before_and_after_the_verb(bugwatch: Operator, argv: list[str]) -> None:
    assert bugwatch.json(*argv)["port"] == {"value": 1234, "source": "flag"}


def test_version_for_people_and_programs(bugwatch: Operator) -> None:
    version = bugwatch.json("version")["version"]

    assert bugwatch.run("version").out == f"Bugwatch {version}\n"


def test_a_reader_that_leaves_early_gets_no_traceback(bugwatch: Operator) -> None:
    done = subprocess.run(
        f"{sys.executable} -m bugwatch config --env-example | true",
        shell=True,
        env=bugwatch.environment(),
        capture_output=True,
        text=True,
    )

    assert done.stderr == ""


def test_an_unexpected_error_is_a_sentence_and_its_place_is_shown_on_demand(bugwatch: Operator, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: 1 / 0\n")
    command = [sys.executable, "-m", "bugwatch", "version"]
    env = bugwatch.environment() | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}

    quiet = subprocess.run(command, env=env, capture_output=True, text=True)
    loud = subprocess.run([*command, "--log-level", "debug"], env=env, capture_output=True, text=True)

    assert quiet.returncode == 1
    assert quiet.stderr.startswith("Something broke (ZeroDivisionError: division by zero).")
    assert len(quiet.stderr.splitlines()) == 1
    assert "Traceback" in loud.stderr


def test_a_terminal_without_our_quotes_is_no_reason_to_fail(bugwatch: Operator) -> None:
    said = bugwatch.run("--help")
    env = bugwatch.environment() | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "bugwatch", "--help"], env=env, capture_output=True, text=True)

    assert said.code == done.returncode == 0
