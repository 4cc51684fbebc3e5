"""`make bench-peers`: Bugwatch beside the released Bugsink: the same load, the same core, the same run.

Bugsink is installed into `build/peers` and set up as its documentation says, on one server with SQLite and two workers,
with its quotas raised out of the way. Both are measured in turn, twice: only the ratio means anything elsewhere.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import uvloop

from tests.bench.corpus import envelopes
from tests.bench.load import Load, blast
from tests.bench.target import CORES, Target, bugwatch, counting, free_port, running, wait_for_answer

ROOT = Path(__file__).parents[2]
BIN = ROOT / "build" / "peers" / "bin"
WORKERS = 2
AHEAD = 3_000
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
    arguments.add_argument("--seconds", type=float, default=15)
    arguments.add_argument("--connections", type=int, default=8)
    asked = arguments.parse_args()
    install()
    peers = {"bugwatch": partial(bugwatch, str(Path(sys.executable).with_name("bugwatch"))), "bugsink": bugsink}
    rates: dict[str, list[float]] = {name: [] for name in peers}
    print(f"{asked.connections} connections, {asked.seconds:.0f} s, one core\n")
    print(
        f"{'':10}" + "".join(f"{head:>12}" for head in ("accepted/s", "digested/s", "p50 ms", "p99 ms", "CPU µs", "MB"))
    )
    for _ in range(2):
        for name, peer in peers.items():
            with tempfile.TemporaryDirectory() as folder, peer(Path(folder)) as target:
                rates[name].append(measure(name, target, asked.connections, asked.seconds))
    print(f"\nBugwatch digests {median(rates['bugwatch']) / median(rates['bugsink']):.0f} times as many events.")


def measure(name: str, target: Target, connections: int, seconds: float) -> float:
    """Load it and print one line; events digested per second, until the last one is."""
    bodies = list(envelopes(int(seconds * AHEAD)))
    os.sched_setaffinity(0, CORES[1:] or CORES)
    before = target.cpu_s()
    load: Load = uvloop.run(blast(target.port, target.path, iter(bodies), connections, seconds))
    rate = load.answers[200] / (load.seconds + target.wait_until_stored(load.answers[200]))
    cpu = (target.cpu_s() - before) / load.answers[200] * 1e6
    os.sched_setaffinity(0, CORES)
    print(
        f"{name:10}{load.answers[200] / load.seconds:12,.0f}{rate:12,.0f}{load.percentile(0.5):12.1f}"
        f"{load.percentile(0.99):12.1f}{cpu:12,.0f}{target.memory_mb():12}",
        flush=True,
    )
    if target.stored() != load.answers[200]:
        print(f"{'':10} answers {dict(load.answers)}, {target.stored()} in the database")
    return rate


def install() -> None:
    """The newest release, in an environment of its own."""
    if not (BIN / "bugsink-manage").exists():
        subprocess.run([sys.executable, "-m", "venv", BIN.parent], check=True)
        subprocess.run([BIN / "pip", "install", "--quiet", "bugsink"], check=True)


@contextmanager
def bugsink(folder: Path) -> Iterator[Target]:
    """Gunicorn and snappea, as the documentation of a single server has them."""
    port = free_port()
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "bugsink_conf", "PYTHONPATH": str(folder)}

    def manage(*arguments: str, said: str = "") -> str:
        command = [BIN / "bugsink-manage", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, input=said, check=True, capture_output=True, text=True
        ).stdout

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
        wait_for_answer(f"http://127.0.0.1:{port}/health/ready")
        yield Target(
            port,
            f"/api/{made[0]}/envelope/?sentry_key={made[1]}",
            tuple(pids),
            lambda: events("SELECT COUNT(*) FROM events_event"),
        )


if __name__ == "__main__":
    main()
