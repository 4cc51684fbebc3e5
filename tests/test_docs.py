"""What the papers say is true: files exist, commands run, the lock fits the ranges."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bugwatch.cli import all_commands

ROOT = Path(__file__).parents[1]
PAPERS = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
# Names in backticks that look like a path of ours: `bugwatch/cli/`, `tests/make.py`, `requirements.lock`.
PATH = re.compile(r"`((?:bugwatch|web|migrations|packaging|tests|\.ci|\.github)/[\w./-]*|[\w.-]+\.(?:md|lock|spec))`")
PATTERN = "NNNN"  # stands for a number
VERB = re.compile(r"\bmake ([a-z]+)\b(?=[`\s]*(?:#|`|$))", re.MULTILINE)


def text(paper: str) -> str:
    return (ROOT / paper).read_text("utf-8")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_file_that_a_paper_names_exists(paper: str) -> None:
    named = [path for path in PATH.findall(text(paper)) if PATTERN not in path]
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_command_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(?:\./)?bugwatch ([a-z][a-z-]*)", text("README.md")))
    assert named
    assert named <= set(all_commands())


@pytest.mark.parametrize("paper", ["README.md", "CONTRIBUTING.md"])
def test_every_make_verb_that_a_paper_names_exists(paper: str) -> None:
    verbs = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    named = set(VERB.findall(text(paper)))
    assert named
    assert named <= verbs


def test_the_changelog_has_a_place_for_the_next_release() -> None:
    assert "\n## Unreleased\n" in text("CHANGELOG.md")


def test_the_lock_fits_what_the_package_asks_for() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    asked = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["dev"]])
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text("requirements.lock"), re.MULTILINE))

    assert [str(one) for one in asked if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))] == []


def test_the_lock_pins_by_hash_and_names_no_server() -> None:
    lock = text("requirements.lock")

    assert lock.count("--hash=sha256:") >= len(re.findall(r"^[\w.-]+==", lock, re.MULTILINE)) > 50
    assert "://" not in lock
    assert not re.search(r"^--", lock, re.MULTILINE)  # --index-url, --find-links


def test_the_lock_of_the_journeys_names_no_server() -> None:
    lock = text("tests/journeys/package-lock.json")

    assert '"integrity": "sha512-' in lock
    assert '"resolved"' not in lock
