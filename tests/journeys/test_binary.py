"""The packed executable, run in an empty folder, does the main job, and keeps the manners that README promises."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from sanic.touchup.service import TouchUp

from tests.journeys.account import EMAIL, PASSWORD, sign_up
from tests.journeys.conftest import ROOT, Running, Start

pytestmark = [pytest.mark.binary, pytest.mark.journey, pytest.mark.slow, pytest.mark.xdist_group("binary")]

APP = """
import sys, sentry_sdk

sentry_sdk.init(sys.argv[1], release="shop@1.0", environment="production")

def pay(cart):
    return 100 / len(cart)

try:
    pay([])
except ZeroDivisionError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.flush()
"""


def test_from_an_empty_folder_to_an_issue(packed: Path, start: Start) -> None:
    bw = start([str(packed)])
    api = sign_up(bw)

    project = api.post("/projects", json={"name": "Shop", "platform": "python"}).raise_for_status().json()
    subprocess.run([sys.executable, "-c", APP, project["dsn"]], check=True, timeout=60)

    (issue,) = issues(api, project["id"])
    assert issue["title"] == "ZeroDivisionError: division by zero"
    assert issue["culprit"] == "__main__ in pay"
    assert (issue["event_count"], issue["level"], issue["status"]) == (1, "error", "unresolved")
    assert bw.end() == 0
    assert "Traceback" not in "\n".join(bw.said)


def test_a_host_without_time_zones_still_shows_the_readers(packed: Path, start: Start) -> None:
    bw = start([str(packed)], PYTHONTZPATH="")
    project = sign_up(bw).post("/projects", json={"name": "Shop", "platform": "python"}).raise_for_status().json()
    subprocess.run([sys.executable, "-c", APP, project["dsn"]], check=True, timeout=60)

    with httpx.Client(base_url=bw.url, timeout=20, trust_env=False, cookies={"zone": "Asia/Tokyo"}) as browser:
        token = re.search(r'name="csrf"[^>]* value="([^"]+)"', browser.get("/login").text)
        assert token
        browser.post("/login", data={"email": EMAIL, "password": PASSWORD, "csrf": token[1]})
        assert re.search(r'title="[^"]+ JST"', browser.get("/issues").raise_for_status().text)
    assert bw.end() == 0


def test_killing_the_parent_ends_the_program(packed: Path, start: Start) -> None:
    bw = start([str(packed)])
    program = child_of(bw)

    os.kill(bw.process.pid, signal.SIGKILL)

    wait_until_gone(program)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", httpx.URL(bw.url).port or 0), timeout=5)


def test_what_a_killed_program_left_is_swept_at_the_next_start(
    packed: Path, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    bw = start([str(packed)])
    (left,) = tmp_path.glob("_MEI*")
    program = child_of(bw)
    for process in (bw.process.pid, program):
        os.kill(process, signal.SIGKILL)
    wait_until_gone(program)
    assert left.exists()

    again = start([str(packed)])

    assert not left.exists()
    assert again.end() == 0
    assert not list(tmp_path.glob("_MEI*"))


def test_a_second_instance_is_refused_in_one_sentence(packed: Path, start: Start, tmp_path: Path) -> None:
    first = start([str(packed)])

    second = start([str(packed)], is_ready=False)

    assert second.process.wait(60) == 1
    second.end()
    (sentence,) = second.said
    assert str(tmp_path / "data") in sentence
    assert first.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_of_the_start_ends_it_cleanly(packed: Path, start: Start, number: int) -> None:
    for moment in (0.3, 0.6, 0.9, 1.2, 1.5, 1.8):
        bw = start([str(packed)], is_ready=False)
        time.sleep(moment)

        if number == signal.SIGINT and (program := child_of(bw)):
            os.kill(program, number)  # a terminal sends Ctrl-C to both, and the parent passes it on
        bw.end(number)

        assert "Traceback" not in "\n".join(bw.said)
        assert not child_of(bw)


def test_the_folder_build_is_one_process_with_sanics_source(packed: Path, start: Start) -> None:
    # Without its source Sanic cannot "touch up" itself and serves half as many requests (`make bench` measures it).
    (folder,) = packed.parent.glob("bugwatch-*-linux-*/")
    bw = start([str(folder / "bugwatch")])

    for touched_up in {owner.__module__ for owner, _ in TouchUp._registry}:
        assert (folder / "_internal" / f"{touched_up.replace('.', '/')}.py").exists(), touched_up
    assert not child_of(bw)
    assert bw.end() == 0


def test_nothing_of_our_workshop_is_packed(packed: Path) -> None:
    (folder,) = packed.parent.glob("bugwatch-*-linux-*/")
    inside = {path.name.partition("-")[0].lower() for path in (folder / "_internal").iterdir()}

    assert not inside & {"cryptography", "django", "flask", "hypothesis", "mypy", "pytest", "sentry_sdk", "setuptools"}
    assert packed.stat().st_size < 40 * 1024 * 1024


def test_version_names_the_source(packed: Path) -> None:
    said = subprocess.run([packed, "version"], capture_output=True, text=True, check=True, timeout=60).stdout

    assert (ROOT / "bugwatch" / "__init__.py").read_text().split('"')[-2] in said


def issues(api: httpx.Client, project: int) -> list[dict[str, object]]:
    """The project's issues, once there are any."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        items: list[dict[str, object]] = api.get(f"/projects/{project}/issues").raise_for_status().json()["items"]
        if items:
            return items
        time.sleep(0.1)
    raise AssertionError("The event never became an issue.")


def child_of(bw: Running) -> int:
    """The program below the one-file parent; 0 if there is none."""
    try:
        return int(Path(f"/proc/{bw.process.pid}/task/{bw.process.pid}/children").read_text().split()[0])
    except (OSError, IndexError):
        return 0


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "It still runs."
        time.sleep(0.05)
