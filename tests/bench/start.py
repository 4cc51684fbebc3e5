"""`python -m tests.bench start`: how long a start takes, what idling needs, how large what is delivered is."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.calibration import calibrate
from tests.bench.figures import Book, Column, Kind, Table, note
from tests.bench.ingest import ROOT, SOURCE
from tests.bench.options import Options
from tests.bench.target import CORES, Target, environment_of, free_port, on_the_other_core, running, wait_for_answer

IDLE_S = 2.0

COLUMNS = (
    Column("first start s", Kind.WAIT, 2),
    Column("next start s", Kind.WAIT, 2),
    Column("idle MB", Kind.SIZE),
    Column("size MB", Kind.SIZE, 1),
)


def run(book: Book, options: Options) -> None:
    table = Table("start", COLUMNS, book)
    for number in range(options.rounds):
        for name, command in forms().items():
            note(f"start, {name}, round {number + 1}")
            calibration = calibrate(CORES[0])
            with tempfile.TemporaryDirectory() as folder, on_the_other_core():
                first, _ = start(command, Path(folder))
                again, idle = start(command, Path(folder))
            table.add(name, (first, again, idle, size_mb(command)), calibration)
    table.show("until the first 200, over an empty folder and over what that left behind")


def forms() -> dict[str, Path]:
    """What was built, beside the source."""
    folders = sorted(ROOT.glob("dist/bugwatch-*-linux-*/bugwatch"))
    built = {"one file": ROOT / "dist" / "bugwatch", "folder": folders[-1] if folders else ROOT / "dist" / "none"}
    return {"source": Path(SOURCE)} | {name: path for name, path in built.items() if path.is_file()}


def start(command: Path, folder: Path) -> tuple[float, int]:
    """Seconds until it answered, and the MB that it needs when it is left alone."""
    port = free_port()
    began = time.perf_counter()
    with running([str(command), "serve"], environment_of(folder, port)) as pid:
        wait_for_answer(port)
        took = time.perf_counter() - began
        time.sleep(IDLE_S)
        return took, Target(port, "", (pid,), stored=int).memory_mb()


def size_mb(command: Path) -> float:
    """Of the one file, or of all files of the folder; the source has none."""
    if str(command) == SOURCE:
        return 0.0
    files = [command] if command.parent == ROOT / "dist" else list(command.parent.rglob("*"))
    return sum(file.lstat().st_size for file in files if file.is_file()) / 1e6
