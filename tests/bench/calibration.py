"""A loop that does to a machine what ingestion does, with nothing of ours in it: how fast is the machine now?"""

from __future__ import annotations

import json
import os
import time
import zlib
from hashlib import blake2b
from pathlib import Path

import msgspec

from tests.bench.figures import Calibration

EVENT = (Path(__file__).parents[1] / "fixtures" / "events" / "python-django.json").read_bytes()
SQUEEZED = zlib.compress(EVENT)
TURNS = 400


def calibrate(core: int, turns: int = TURNS) -> Calibration:
    """On this core, which should do nothing else meanwhile."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        wait, cpu = time.perf_counter(), time.process_time()
        for _ in range(turns):
            _turn()
        return Calibration(
            wait=round((time.perf_counter() - wait) / turns * 1e6, 2),
            cpu=round((time.process_time() - cpu) / turns * 1e6, 2),
        )
    finally:
        os.sched_setaffinity(0, usual)


def _turn() -> None:
    raw = zlib.decompress(SQUEEZED)
    event = msgspec.json.decode(raw)
    names = {frame["function"]: frame["lineno"] for frame in event["exception"]["values"][0]["stacktrace"]["frames"]}
    blake2b(json.dumps(names).encode(), digest_size=16).digest()
