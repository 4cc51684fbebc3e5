"""How thorough a run is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`seconds` of each load, `counts` of events that are stored before; `folder` is where those files are kept."""

    folder: Path
    rounds: int = 3
    seconds: float = 5
    counts: tuple[int, ...] = (10_000, 100_000)
