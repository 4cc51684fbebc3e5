"""Other clients: sentry-cli, Go and Java, unmodified; PHP, Ruby, Apple's and older ones as they were recorded."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bugwatch.domain.secret_text import is_nothing
from tests.journeys.account import Account, Project, crash, line_of, trace
from tests.journeys.clients import APPS, NODE_MODULES, needs_node, run
from tests.journeys.conftest import ROOT

pytestmark = pytest.mark.journey

RECORDED = ROOT / "tests" / "fixtures" / "events"
TOOK_LONGER = "The nightly import took longer than usual."
JAVA_SDK = "io.sentry:sentry:8.62.0"


@pytest.fixture
def project(bugwatch: Account) -> Project:
    return bugwatch.new_project("other")


# --- sentry-cli ---


@needs_node
def test_sentry_cli_sends_a_message_and_its_environment_stays_unknown(project: Project) -> None:
    words = ["-m", "Backup of %s failed", "-a", "db-1", "-l", "warning", "-t", "host:nas", "-r", "shop@1.4.2"]
    run(APPS, NODE_MODULES / ".bin" / "sentry-cli", "send-event", *words, SENTRY_DSN=project.dsn, SHELL_VARIABLE="x")

    issue, event = project.only()
    assert (issue["title"], issue["level"]) == ("Backup of db-1 failed", "warning")
    assert event["logentry"]["message"] == "Backup of %s failed"
    assert (event["tags"], event["release"]) == ({"host": "nas"}, "shop@1.4.2")
    assert event["extra"]["environ"]["SHELL_VARIABLE"] == "[Filtered]"
    assert all(is_nothing(value) for value in event["extra"]["environ"].values())  # filtered, empty, or a mere “False”


@needs_node
def test_sentry_cli_checks_in_twice(project: Project) -> None:
    run(APPS, NODE_MODULES / ".bin" / "sentry-cli", "monitors", "run", "nightly", "--", "true", SENTRY_DSN=project.dsn)

    project.stored(2, "monitor")


# --- Go ---


@pytest.fixture(scope="module")
def go_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("go"):
        pytest.skip("Go is not installed: its SDK is not tested here")
    fetched = subprocess.run(["go", "mod", "download"], cwd=APPS / "go", capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"Go's SDK cannot be fetched, so it is not tested here: {fetched.stderr}")
    program = tmp_path_factory.mktemp("go") / "shop"
    subprocess.run(["go", "build", "-o", program, "."], cwd=APPS / "go", check=True)
    return program


@pytest.mark.slow
@pytest.mark.xdist_group("go")  # built once
@pytest.mark.parametrize(
    ("situation", "title", "culprit", "level"),
    [
        ("chained", "*main.StockError: no tea left", "main in checkout", "error"),
        (
            "panicked",
            "runtime.boundsError: runtime error: index out of range [3] with length 0",
            "main in pay",
            "fatal",
        ),
        ("message", TOOK_LONGER, "", "info"),
        ("message_with_stack", TOOK_LONGER, "main in main", "info"),
    ],
)
def test_go(go_shop: Path, project: Project, situation: str, title: str, culprit: str, level: str) -> None:
    run(APPS, go_shop, situation, project.dsn)

    issue, event = project.only()
    assert (issue["title"], issue["culprit"], issue["level"]) == (title, culprit, level)
    if situation == "chained":
        source = APPS / "go" / "main.go"
        assert [link["type"] for link in event["exception"]["values"]] == ["*errors.errorString", "*main.StockError"]
        assert trace(event)[-1] == ("checkout", line_of(source, 'sentry.CaptureException(take("tea"))'))
        assert (event["tags"], event["user"]) == ({"shop": "eu-1"}, {"id": "ada"})


# --- Java ---


@pytest.fixture(scope="module")
def java_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (shutil.which("java") and shutil.which("mvn")):
        pytest.skip("Java or Maven is not installed: its SDK is not tested here")
    folder = tmp_path_factory.mktemp("java")
    copy = ["org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy", f"-Dartifact={JAVA_SDK}"]
    fetched = subprocess.run(
        ["mvn", "-q", "-B", *copy, f"-DoutputDirectory={folder}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        pytest.skip(f"Java's SDK cannot be fetched, so it is not tested here: {fetched.stdout}")
    return next(folder.glob("*.jar"))


@pytest.mark.slow
@pytest.mark.xdist_group("java")  # fetched once
@pytest.mark.parametrize(
    ("situation", "code", "title", "culprit", "level"),
    [
        ("chained", 0, "Shop$OutOfStock: No tea left", "Shop in checkout", "error"),
        ("unhandled", 1, "Shop$OutOfStock: No tea left", "Shop in checkout", "fatal"),
        ("message", 0, TOOK_LONGER, "Shop in main", "warning"),
    ],
)
def test_java(
    java_sdk: Path, project: Project, situation: str, code: int, title: str, culprit: str, level: str
) -> None:
    source = APPS / "java" / "Shop.java"
    run(APPS, "java", "-cp", java_sdk, source, situation, project.dsn, code=code)

    issue, event = project.only()
    assert (issue["title"], issue["culprit"], issue["level"]) == (title, culprit, level)
    assert issue["is_unhandled"] == (situation == "unhandled")
    if situation == "chained":
        links = event["exception"]["values"]
        assert [link["type"] for link in links] == ["ArrayIndexOutOfBoundsException", "Shop$OutOfStock"]
        assert crash(event)["lineno"] == line_of(source, "throw new OutOfStock(item, error);")
        assert [function for function, _ in trace(event, 0)] == ["main", "checkout", "take"]


# --- recorded ---

Request = dict[str, Any]


def envelope(payload: bytes, item: str = "event", *, has_length: bool = True, **header: Any) -> bytes:
    about = {"type": item} | ({"length": len(payload)} if has_length else {})
    return b"\n".join((json.dumps(header).encode(), json.dumps(about).encode(), payload))


def auth(project: Project, separator: str = ", ") -> str:
    return "Sentry " + separator.join(("sentry_version=7", f"sentry_key={project.key}", "sentry_client=recorded/1"))


def gzipped(project: Project, payload: bytes) -> Request:
    """Java, Apple: gzip, lengths, no space after the comma."""
    headers = {"X-Sentry-Auth": auth(project, ","), "Content-Encoding": "gzip"}
    return {"path": "envelope/", "content": gzip.compress(envelope(payload) + b"\n"), "headers": headers}


def php(project: Project, payload: bytes) -> Request:
    """gzip, no lengths, the event's id in the envelope's header only."""
    body = envelope(payload, has_length=False, event_id="a" * 32, dsn=project.dsn)
    headers = {"X-Sentry-Auth": auth(project), "Content-Encoding": "gzip"}
    return {"path": "envelope/", "content": gzip.compress(body), "headers": headers}


def ruby(project: Project, payload: bytes) -> Request:
    """An encoding that is named and empty; the application's own idea of our address in the header."""
    dsn = project.dsn.replace("127.0.0.1", "bugwatch.internal")
    body = envelope(payload, has_length=False, dsn=dsn) + b"\n"
    return {"path": "envelope/", "content": body, "headers": {"X-Sentry-Auth": auth(project), "Content-Encoding": ""}}


def stored(project: Project, payload: bytes) -> Request:
    """Go of before 0.20 and others of their time: one event, no envelope."""
    return {"path": "store/", "content": payload, "headers": {"X-Sentry-Auth": auth(project)}}


def raven(project: Project, payload: bytes) -> Request:
    """Clients of before 2018: base64 of zlib, the key under `Authorization`."""
    return {
        "path": "store/",
        "content": base64.b64encode(zlib.compress(payload)),
        "headers": {"Authorization": auth(project), "Content-Type": "application/octet-stream"},
    }


def browser(project: Project, payload: bytes) -> Request:
    """A simple request: text, the key in the address."""
    return {
        "path": f"envelope/?sentry_version=7&sentry_key={project.key}",
        "content": envelope(payload, has_length=False),
        "headers": {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"},
    }


def tunnel(project: Project, payload: bytes) -> Request:
    """A browser whose app forwards what it sends: only the envelope says whose it is."""
    return {"path": "envelope/", "content": envelope(payload, dsn=project.dsn), "headers": {}}


def chunked(project: Project, payload: bytes) -> Request:
    """@sentry/node: neither content type nor length, not even of the request."""
    body = envelope(payload, has_length=False)
    pieces = (body[at : at + 100] for at in range(0, len(body), 100))
    return {"path": f"envelope/?sentry_key={project.key}", "content": pieces, "headers": {}}


NO_TOTAL = "TypeError: Cannot read properties of undefined (reading 'total')"


@pytest.mark.parametrize(
    ("name", "wire", "title", "culprit"),
    [
        ("php-error", php, "InvalidArgumentException: The amount must be a number", "/cart"),
        ("ruby-message", ruby, "ZeroDivisionError: divided by 0", "CartWorker"),
        (
            "cocoa-native",
            gzipped,
            "EXC_BAD_ACCESS: Attempted to dereference null pointer",
            "/app/Shop.app/Shop in -[Cart total]",
        ),
        ("java-message", gzipped, "Stock of A1 is low", "shop.Stock in check"),
        ("go-error", stored, "*fmt.wrapError: load cart: connection refused", "main in main"),
        ("raven-legacy", raven, "ValueError: broken", "shop/cart.py in total"),
        ("browser-error", browser, NO_TOTAL, "/assets/app.4f2a91c3.js in r"),
        ("browser-error", tunnel, NO_TOTAL, "/assets/app.4f2a91c3.js in r"),
        ("node-message", chunked, "The queue is 5 minutes behind", "queue in watch"),
        ("sentry-cli-message", stored, "Deploy of shop failed", ""),
        ("python-django", gzipped, "KeyError: 'GBP'", "/orders/{number}/pay"),
    ],
)
def test_recorded(
    project: Project, name: str, wire: Callable[[Project, bytes], Request], title: str, culprit: str
) -> None:
    request = wire(project, (RECORDED / f"{name}.json").read_bytes())
    answer = httpx.post(f"{project.ingest}/{request.pop('path')}", **request, trust_env=False)

    assert (answer.status_code, len(answer.json()["id"])) == (200, 32)
    assert answer.headers["access-control-allow-origin"] == "*"
    issue, event = project.only()
    assert event["event_id"] == answer.json()["id"]
    assert (issue["title"], issue["culprit"]) == (title, culprit)
