"""`make bench-peers`: Bugwatch beside the released Bugsink: the same load, the same core, the same run.

Bugsink is installed into `build/peers` and set up as its documentation says, on one server with SQLite and two workers,
with its quotas raised out of the way. They take turns with the same envelopes: only the ratio means anything elsewhere.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.figures import Book, Table, note, this_machine
from tests.bench.ingest import COLUMNS, ROOT, Shape, bodies_for, commands, row
from tests.bench.options import Options
from tests.bench.target import Target, bugwatch, counting, free_port, running, wait_for_answer

Peer = Callable[[Path], AbstractContextManager[Target]]

BIN = ROOT / "build" / "peers" / "bin"
PEER = "bugsink"
WORKERS = 2
WARM_UP = 300  # events; the peer takes seconds for them
SPANS = ("5_MINUTES", "HOUR", "MONTH")
PROJECT = """
from projects.models import Project
from teams.models import Team
team = Team.objects.create(name="Bench")
made = Project.objects.create(team=team, name="Bench", slug="bench", retention_max_event_count=10**9)
print("MADE", made.id, made.sentry_key.hex)
"""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=Options.rounds)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--connections", type=int, nargs="+", default=[32, 8], help="each is measured")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write all figures, round by round")
    asked = arguments.parse_args()
    install()
    book = Book(this_machine())
    print(f"{book.machine}; Bugsink {version()}")
    for connections in asked.connections:
        compare(book, Shape("usual", connections=connections), asked.rounds, asked.seconds)
    if asked.json:
        book.write(asked.json)


def compare(book: Book, shape: Shape, rounds: int, seconds: float) -> None:
    """Both in turn, with the same envelopes, and how many times as fast we are."""
    table = Table(f"peers, {shape.connections} connections", COLUMNS, book)
    peers: dict[str, Peer] = {name: partial(bugwatch, command) for name, command in commands().items()}
    bodies = bodies_for(shape.mix, seconds)
    for number in range(rounds):
        for name, peer in {**peers, PEER: bugsink}.items():
            note(f"{name}, {shape.connections} connections, round {number + 1}")
            with tempfile.TemporaryDirectory() as folder, peer(Path(folder)) as target:
                row(table, name, target, shape, bodies, seconds, WARM_UP)
    table.show("server on one core, with all its processes; the clock stops when all is digested")
    for name in peers:
        rates = _ratios(table, "digested/s", name, PEER)
        costs = _ratios(table, "CPU µs", PEER, name)
        print(
            f"{name}: {median(rates):.0f} times as many events as {PEER} ({min(rates):.0f} to {max(rates):.0f}), "
            f"each for a {median(costs):.0f}th of its CPU time"
        )


def _ratios(table: Table, column: str, one: str, other: str) -> list[float]:
    """Round by round."""
    above, below = (table.rows[row][column].values for row in (one, other))
    return [mine / its for mine, its in zip(above, below, strict=True)]


def install() -> None:
    """The newest release, in an environment of its own."""
    if not (BIN / "bugsink-manage").exists():
        subprocess.run([sys.executable, "-m", "venv", BIN.parent], check=True)
        subprocess.run([BIN / "pip", "install", "--quiet", "bugsink"], check=True)


def version() -> str:
    listed = subprocess.run([BIN / "pip", "show", "bugsink"], check=True, capture_output=True, text=True).stdout
    return next(line.partition(": ")[2] for line in listed.splitlines() if line.startswith("Version"))


def disk_usage(folder: Path) -> int:
    """Bytes of all files: the peer keeps its queue and its events in several."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def bugsink(folder: Path) -> Iterator[Target]:
    """Gunicorn and snappea, as the documentation of a single server has them."""
    port = free_port()
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "bugsink_conf", "PYTHONPATH": str(folder)}

    def manage(*arguments: str, said: str = "") -> str:
        command = [str(BIN / "bugsink-manage"), *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, input=said, check=True, capture_output=True, text=True
        )
        return str(done.stdout)

    subprocess.run(
        [
            BIN / "bugsink-create-conf",
            "--template=singleserver",
            "--host=127.0.0.1",
            f"--port={port}",
            f"--base-dir={folder}",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    with (folder / "bugsink_conf.py").open("a") as conf:
        conf.write(
            "\nSECURE_PROXY_SSL_HEADER = None\nSESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False\n"
            f'BUGSINK["BASE_URL"] = "http://127.0.0.1:{port}"\nALLOWED_HOSTS = ["127.0.0.1"]\n'
            'FORCE_SCRIPT_NAME = None\nBUGSINK["PHONEHOME"] = False\n'
        )
        for name in (f"MAX_EVENTS_PER_{project}{span}" for project in ("PROJECT_PER_", "") for span in SPANS):
            conf.write(f'BUGSINK["{name}"] = 10**12\n')
    manage("migrate")
    manage("migrate", "--database=snappea")
    manage("prestart")
    made = next(line for line in manage("shell", said=PROJECT).splitlines() if "MADE" in line).split("MADE ")[1].split()
    events = counting(folder / "db.sqlite3")
    serve = [str(BIN / "gunicorn"), f"--workers={WORKERS}", "--timeout=6", f"--bind=127.0.0.1:{port}", "bugsink.wsgi"]
    with ExitStack() as stack:
        pids = [
            stack.enter_context(running(command, environment, folder))
            for command in (serve, [str(BIN / "bugsink-runsnappea")])
        ]
        wait_for_answer(port)
        yield Target(
            port,
            f"/api/{made[0]}/envelope/?sentry_key={made[1]}",
            tuple(pids),
            stored=lambda: events("SELECT COUNT(*) FROM events_event"),
            size=lambda: disk_usage(folder),
        )


if __name__ == "__main__":
    main()
