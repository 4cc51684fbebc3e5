"""`python -m tests.bench reads`: how long people wait for what is stored, alone and while events come in.

First the database alone, asked as pages and the API ask it; then whole pages of a real server.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import uvloop

from bugwatch.domain.clock import now_ms
from tests.bench import seed
from tests.bench.calibration import calibrate
from tests.bench.corpus import made
from tests.bench.figures import Book, Calibration, Column, Kind, Table, note, percentile
from tests.bench.ingest import SETTLING_S, SOURCE
from tests.bench.load import HOST, Pace, blast
from tests.bench.options import Options
from tests.bench.questions import Question, questions, world_of
from tests.bench.target import CORES, Target, bugwatch, counting, environment_of, on_the_other_core

TIMES = 40  # that each question is asked, in each state and each round
BUSY_RATE = 200  # events a second
WRITER_BATCH = 10
EVENTS_SHOWN = 500  # real ones, in a project of their own
EMAIL, PASSWORD = "ada@example.com", "a long enough sentence"

COLUMNS = (
    Column("alone p50 ms", Kind.WAIT, 2),
    Column("alone p95 ms", digits=2),
    Column("busy p50 ms", Kind.WAIT, 2),
    Column("busy p95 ms", digits=2),
)

Waits = list[float]  # ms


def run(book: Book, options: Options) -> None:
    for count in options.counts:
        stored = seed.file(options.folder, count)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copyfile(stored, Path(folder) / "bugwatch.db"))
            os.sync()
            of_database = Table(f"reads, {count:,} events", COLUMNS, book, width=36)
            of_pages = Table(f"pages, {count:,} events", COLUMNS, book, width=36)
            for number in range(options.rounds):
                note(f"reads, {count:,} events, round {number + 1}")
                calibration = calibrate(CORES[0])
                os.sched_setaffinity(0, CORES[:1])
                asyncio.run(ask_database(copy, of_database, calibration))
                os.sched_setaffinity(0, CORES)
            ask_pages(copy.parent, of_pages, options.rounds)
            of_database.show(f"questions to the database; busy: under {BUSY_RATE} events/s")
            of_pages.show("whole pages over HTTP")


async def ask_database(path: Path, table: Table, calibration: Calibration) -> None:
    async with seed.opened(path) as opened:
        world = await world_of(opened.db)
        asked = questions(world)
        await opened.digest.settled()
        alone = {name: await _waits(opened, question) for name, question in asked.items()}
        filling = seed.Seed(opened.db, opened.digest, list(world.project_ids), len(world.issue_ids), now_ms())
        async with _writing(filling):
            busy = {name: await _waits(opened, question) for name, question in asked.items()}
    for name in asked:
        table.add(name, _cells(alone[name], busy[name]), calibration)


async def _waits(opened: seed.Opened, question: Question) -> Waits:
    waits = []
    for _ in range(TIMES):
        async with opened.db.read() as tx:
            began = time.perf_counter()
            await question(tx)
            waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0)
    return waits


@asynccontextmanager
async def _writing(filling: seed.Seed) -> AsyncIterator[None]:
    async def write() -> None:
        while True:
            await filling.digest.store(filling.batch([now_ms()] * WRITER_BATCH))
            await asyncio.sleep(WRITER_BATCH / BUSY_RATE)

    writing = asyncio.create_task(write())
    yield
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


def ask_pages(folder: Path, table: Table, rounds: int) -> None:
    """Start a server on what is in the folder and look at its main pages."""
    with bugwatch(SOURCE, folder) as target, on_the_other_core():
        cookies = _sign_up(folder, target)
        uvloop.run(blast(target.port, target.path, made(EVENTS_SHOWN), 8, 60))
        time.sleep(SETTLING_S)
        pages = _pages(folder)
        for _ in range(rounds):
            calibration = calibrate(CORES[0])
            look = _looker(target.port, cookies)
            alone = {name: look(path) for name, path in pages.items()}
            with _load(target):
                busy = {name: look(path) for name, path in pages.items()}
            for name in pages:
                table.add(name, _cells(alone[name], busy[name]), calibration)


def _pages(folder: Path) -> dict[str, str]:
    """Their paths. What is shown with its event is a real one, what is the loudest is not."""
    ask = counting(folder / "bugwatch.db")
    project_id = ask("SELECT MIN(id) FROM projects")
    loudest = ask("SELECT id FROM issues ORDER BY event_count DESC LIMIT 1")
    shown = ask("SELECT id FROM issues WHERE project_id = (SELECT MAX(id) FROM projects) LIMIT 1")
    return {
        "list": "/issues",
        "list, text": "/issues?query=basket+77",
        "list, environment": "/issues?environment=staging",
        "list, by events": "/issues?sort=events",
        "issue with its event": f"/issues/{shown}",
        "events of the loudest issue": f"/issues/{loudest}/events",
        "tags of the loudest issue": f"/issues/{loudest}/tags",
        "project with its chart": f"/projects/{project_id}",
    }


def _sign_up(folder: Path, target: Target) -> str:
    """The cookies of the owner's session."""
    command = [SOURCE, "user", "create", "--email", EMAIL, "--password-file", "-"]
    environment = environment_of(folder, target.port)
    subprocess.run(command, env=environment, check=True, input=PASSWORD.encode(), capture_output=True)
    with httpx.Client(base_url=f"http://{HOST}:{target.port}", trust_env=False) as browser:
        form = browser.get("/login").raise_for_status().text
        token = re.search(r'name="csrf"[^>]* value="([^"]+)"', form)
        assert token, "The form to sign in has no token."
        browser.post("/login", data={"email": EMAIL, "password": PASSWORD, "csrf": token[1]})
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)


def _looker(port: int, cookies: str) -> Callable[[str], Waits]:
    """Asks for a page again and again over one connection."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)

    def look(path: str) -> Waits:
        waits = []
        for _ in range(TIMES):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": cookies, "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            waits.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, (path, answer.status)
        return waits

    return look


@contextmanager
def _load(target: Target) -> Iterator[None]:
    """Events that come steadily meanwhile."""
    is_over = threading.Event()
    bodies = made(BUSY_RATE * 60)

    def until_it_is_over() -> Iterator[bytes]:
        for body in bodies:
            if is_over.is_set():
                return
            yield body

    def drive() -> None:
        uvloop.run(blast(target.port, target.path, until_it_is_over(), 8, 60, pace=Pace(BUSY_RATE)))

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        yield
    finally:
        is_over.set()
        driver.join()


def _cells(alone: Sequence[float], busy: Sequence[float]) -> tuple[float, ...]:
    return tuple(percentile(waits, share) for waits in (alone, busy) for share in (0.5, 0.95))
