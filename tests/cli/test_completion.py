from __future__ import annotations

import subprocess

import pytest

from bugwatch import cli
from bugwatch.cli.arguments import build
from bugwatch.cli.completion import SHELLS, words
from tests.cli.conftest import Operator

TABLE = words(build(cli.all_commands()))


def completed(line: str) -> list[str]:
    """What bash offers behind `line`, whose last word may be unfinished."""
    typed = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in typed)
    script = f"{SHELLS['bash'](TABLE)}\nCOMP_WORDS=({quoted})\nCOMP_CWORD={len(typed) - 1}\n_bugwatch\n"
    done = subprocess.run(["bash", "-c", script + 'echo "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bugwatch se", ["send-event", "serve"]),
        ("bugwatch user re", ["reset-password"]),
        ("bugwatch --json user cr", ["create"]),
        ("bugwatch user create --em", ["--email"]),
        ("bugwatch user create --email ada@example.com --pass", ["--password-file"]),
        ("bugwatch completion ", ["bash", "zsh", "fish"]),
        ("bugwatch nonsense --por", ["--port"]),
    ],
)
def test_bash_offers_what_fits(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_without_a_dash_only_verbs_are_offered() -> None:
    assert set(completed("bugwatch ")) == set(cli.all_commands())


@pytest.mark.parametrize("shell", SHELLS)
def test_every_verb_and_action_is_in_every_script(bugwatch: Operator, shell: str) -> None:
    script = bugwatch.run("completion", shell).out

    assert all(word in script for path in TABLE for word in path.split())


def test_an_unknown_shell_is_wrong_usage(bugwatch: Operator) -> None:
    assert bugwatch.run("completion", "tcsh").code == 2
