"""Backup and restore at the shell."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Operator


@pytest.fixture(params=["stopped", "running"])
def with_data(request: pytest.FixtureRequest, bugwatch: Operator) -> Operator:
    bugwatch.json("project", "create", "--name", "Shop")
    if request.param == "running":
        bugwatch.serve()
    return bugwatch


def test_a_backup_is_made_and_counted(with_data: Operator, tmp_path: Path) -> None:
    made = with_data.json("backup", "--to", str(tmp_path))

    path = Path(made["path"])
    assert path.parent == tmp_path
    assert path.stat().st_mode & 0o777 == 0o600
    assert made["bytes"] == path.stat().st_size
    assert made["counts"]["projects"] == 1


def test_a_relative_path_is_the_callers(with_data: Operator, tmp_path: Path) -> None:
    said = with_data.run("backup", "--to", "mine.db", cwd=tmp_path)

    assert said.code == 0, said
    assert (tmp_path / "mine.db").exists()
    assert str(tmp_path / "mine.db") in said.out


def test_what_was_backed_up_comes_back(bugwatch: Operator, tmp_path: Path) -> None:
    bugwatch.json("project", "create", "--name", "Shop")
    path = bugwatch.json("backup", "--to", str(tmp_path))["path"]
    bugwatch.json("project", "create", "--name", "Till")

    assert "Say --yes" in bugwatch.run("restore", path).sentence
    restored = bugwatch.json("restore", path, "--yes")

    assert [project["slug"] for project in bugwatch.json("project", "list")] == ["shop"]
    assert Path(restored["kept"]).exists()


def test_a_running_server_is_not_pulled_from_under_its_data(bugwatch: Operator, tmp_path: Path) -> None:
    path = bugwatch.json("backup", "--to", str(tmp_path))["path"]
    bugwatch.serve()

    assert "Another Bugwatch" in bugwatch.run("restore", path, "--yes").sentence


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + b"x" * 5000])
def test_what_is_no_backup_is_refused(bugwatch: Operator, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)

    assert "not a good backup" in bugwatch.run("restore", str(tmp_path / "x.db")).sentence


def test_a_killed_backup_leaves_nothing_that_looks_like_one(bugwatch: Operator, tmp_path: Path) -> None:
    bugwatch.json("project", "create", "--name", "Shop")
    fill(bugwatch.home / "bugwatch.db", megabytes=48)
    target = tmp_path / "copies"
    target.mkdir()
    for delay in (0, 0.02, 0.05, 0.1):
        process = bugwatch.start("backup", "--to", str(target))
        while not os.listdir(target) and process.poll() is None:
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name in os.listdir(target):
            if name.endswith(".db"):  # it was faster than we: then it is whole
                assert bugwatch.run("restore", str(target / name), "--yes").code == 0
            (target / name).unlink()

    made = bugwatch.json("backup", "--to", str(target))

    assert os.listdir(target) == [Path(made["path"]).name]


def test_postgres_says_how_it_is_done_there(bugwatch: Operator, postgres_url: str) -> None:
    bugwatch.settings["DATABASE_URL"] = postgres_url

    assert "pg_dump" in bugwatch.run("backup").sentence
    assert "pg_restore" in bugwatch.run("restore", "x").sentence


def fill(path: Path, megabytes: int) -> None:
    database = sqlite3.connect(path)
    with database:
        database.executemany(
            "INSERT INTO content_chunks (sha256, number, data) VALUES (?, 0, randomblob(1048576))",
            [(n.to_bytes(32, "big"),) for n in range(megabytes)],
        )
    database.close()
