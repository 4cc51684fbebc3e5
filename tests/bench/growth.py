"""`python -m tests.bench growth`: whether events are stored as fast when many are stored already."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tests.bench import seed
from tests.bench.figures import Book, Column, Kind, Table, note
from tests.bench.ingest import COLUMNS, SOURCE, USUAL, bodies_for, row
from tests.bench.options import Options
from tests.bench.target import bugwatch

EMPTY = "empty"


def run(book: Book, options: Options) -> None:
    table = Table("growth", COLUMNS, book)
    files = {f"{count:,} events": seed.file(options.folder, count) for count in options.counts}
    bodies = bodies_for(USUAL.mix, options.seconds)
    for number in range(options.rounds):
        for name, stored in {EMPTY: None, **files}.items():
            note(f"growth, {name}, round {number + 1}")
            with tempfile.TemporaryDirectory() as folder:
                if stored:
                    shutil.copyfile(stored, Path(folder) / "bugwatch.db")
                    os.sync()  # or the disk is still busy with the copy
                with bugwatch(SOURCE, Path(folder)) as target:
                    row(table, name, target, USUAL, bodies, options.seconds)
    table.show("the usual load on files that hold so many events; rounds take turns")
    shares = Table("growth, share", (Column("of the rate %", Kind.SHARE),), book)
    for name in files:
        _compare(shares, table, name)
    shares.show("of an empty file's rate")


def _compare(shares: Table, table: Table, name: str) -> None:
    full, empty = (table.rows[row]["digested/s"] for row in (name, EMPTY))
    for rate, beside, calibration in zip(full.values, empty.values, full.calibrations, strict=True):
        shares.add(name, (rate / beside * 100,), calibration)
