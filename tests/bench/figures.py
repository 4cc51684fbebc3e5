"""What was measured, how it is printed and kept, and whether it got worse.

A virtual machine is a third faster or slower from one minute to the next. So each figure is measured in several rounds,
beside each of them runs a calibration loop, and what is compared between runs is the ratio of the two.
"""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import median

import msgspec

ENOUGH_ROUNDS = 3  # fewer say nothing about the spread
MARGIN = 0.15  # by which a figure may be worse beside what the rounds differ by


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not exceed; 0 if there are none."""
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


class Kind(StrEnum):
    """What a figure is, which says what is better and what the machine's speed does to it."""

    RATE = "rate"  # per second: more is better
    WAIT = "wait"  # a time on the clock
    CPU = "cpu"  # a time on the core
    SIZE = "size"  # bytes: no machine changes them
    SHARE = "share"  # a ratio of two that were measured side by side: more is better
    NOTE = "note"  # is not judged


MORE_IS_BETTER = (Kind.RATE, Kind.SHARE)


class Calibration(msgspec.Struct, frozen=True):
    """µs that the loop of `tests.bench.calibration` took for one turn, on the clock and on the core."""

    wait: float
    cpu: float


def _scale(kind: Kind, calibration: Calibration) -> float:
    match kind:
        case Kind.RATE:
            return calibration.wait
        case Kind.WAIT:
            return 1 / calibration.wait
        case Kind.CPU:
            return 1 / calibration.cpu
        case _:
            return 1.0


class Figure(msgspec.Struct):
    """A value for each round, each with the calibration beside it."""

    kind: Kind
    values: list[float] = []
    calibrations: list[Calibration] = []

    def median(self) -> float:
        return median(self.values)

    def scores(self) -> list[float]:
        """The values as they would be on a machine on which the loop takes one µs."""
        return [value * _scale(self.kind, beside) for value, beside in zip(self.values, self.calibrations, strict=True)]

    def spread(self) -> float:
        """Half the distance between the best and the worst round, as a share of the median."""
        scores = self.scores()
        middle = median(scores)
        return (max(scores) - min(scores)) / 2 / middle if middle else 0.0


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind = Kind.NOTE
    digits: int = 0

    @property
    def width(self) -> int:
        return max(len(self.name) + 2, 9)


class Machine(msgspec.Struct, frozen=True):
    processor: str
    cores: int
    python: str

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores, Python {self.python}"


class Book(msgspec.Struct):
    """All figures of a run, by their names. As JSON it is what `--json` writes and what a baseline is."""

    machine: Machine
    figures: dict[str, Figure] = {}

    @classmethod
    def read(cls, path: Path) -> Book:
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


@dataclass
class Table:
    """Rows of figures with the same columns. Each round adds to each row; `show` prints their medians."""

    name: str
    columns: tuple[Column, ...]
    book: Book
    width: int = 30
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)

    def add(self, row: str, values: Sequence[float], calibration: Calibration) -> None:
        """What one round measured, a value for each column."""
        figures = self.rows.setdefault(row, {column.name: Figure(column.kind) for column in self.columns})
        for column, value in zip(self.columns, values, strict=True):
            figure = figures[column.name]
            figure.values.append(round(value, 4))
            figure.calibrations.append(calibration)
            self.book.figures[f"{self.name}/{row}/{column.name}"] = figure

    def value(self, row: str, column: str) -> float:
        return self.rows[row][column].median()

    def show(self, remark: str = "") -> None:
        """Print it. ± tells how far the rounds of the first judged column differ, beside the calibration."""
        first = next((column for column in self.columns if column.kind is not Kind.NOTE), None)
        print(f"\n{self.name}{': ' if remark else ''}{remark}")
        print(f"{'':{self.width}}" + "".join(f"{column.name:>{column.width}}" for column in self.columns) + f"{'±':>6}")
        for row, figures in self.rows.items():
            cells = "".join(
                f"{figures[column.name].median():{column.width},.{column.digits}f}" for column in self.columns
            )
            spread = f"{figures[first.name].spread():6.0%}" if first and len(figures[first.name].values) > 1 else ""
            print(f"{row:{self.width}}{cells}{spread}", flush=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`change` is how much better (> 0) or worse a figure is; it may vary by `allowance`."""

    name: str
    change: float
    allowance: float

    @property
    def is_regression(self) -> bool:
        return self.change < -self.allowance

    @property
    def is_progress(self) -> bool:
        return self.change > self.allowance

    def __str__(self) -> str:
        return f"{self.name}: {self.change:+.0%} (may vary by {self.allowance:.0%})"


def verdicts(now: Book, baseline: Book, margin: float = MARGIN) -> list[Verdict]:
    """One for each figure that both measured often enough to know its spread."""
    return [
        _verdict(name, figure, baseline.figures[name], margin)
        for name, figure in now.figures.items()
        if name in baseline.figures and _is_judged(figure) and _is_judged(baseline.figures[name])
    ]


def _is_judged(figure: Figure) -> bool:
    return figure.kind is not Kind.NOTE and len(figure.values) >= ENOUGH_ROUNDS and figure.median() > 0


def _verdict(name: str, now: Figure, before: Figure, margin: float) -> Verdict:
    ratio = median(now.scores()) / median(before.scores())
    change = ratio - 1 if now.kind in MORE_IS_BETTER else 1 / ratio - 1
    return Verdict(name, change, margin + now.spread() + before.spread())


def this_machine() -> Machine:
    named = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    processor = next(named, "").partition(": ")[2] or platform.machine()
    return Machine(processor, len(os.sched_getaffinity(0)), platform.python_version())


def note(text: str) -> None:
    """Tell who waits what is being done; no part of what was asked for."""
    print(f"  … {text}", file=sys.stderr, flush=True)
