"""`make bench`: how fast Bugwatch is on this machine, and whether it became slower.

    python -m tests.bench                       what `make bench` runs, about ten minutes
    python -m tests.bench ingest reads          only these scenarios
    python -m tests.bench --full                with 1,000,000 stored events too, about an hour
    python -m tests.bench --json out.json       keep the figures

What was measured in three rounds or more is compared with `tests/bench/baseline.json`, beside a calibration loop. What
is worse by 15 % and by what the rounds differ is a regression: the run ends with status 1. tests/bench/README.md says
more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import ceiling, grouping, growth, ingest, postgres, reads, stages, start
from tests.bench.figures import Book, this_machine, verdicts
from tests.bench.options import Options

BASELINE = Path(__file__).with_name("baseline.json")
FULL = (10_000, 100_000, 1_000_000)

SCENARIOS: dict[str, Callable[[Book, Options], None]] = {
    "ceiling": ceiling.run,
    "stages": stages.run,
    "ingest": ingest.run,
    "start": start.run,
    "reads": reads.run,
    "growth": growth.run,
    "postgres": postgres.run,
    "grouping": grouping.run,
}


def main() -> int:
    parser = _arguments()
    asked = parser.parse_args()
    if unknown := set(asked.scenarios) - SCENARIOS.keys():
        parser.error(f"There is no scenario {', '.join(sorted(unknown))}.")
    book = Book(this_machine())
    print(book.machine)
    with tempfile.TemporaryDirectory(prefix="bugwatch-bench-") as folder:
        options = Options(
            folder=asked.keep or Path(folder),
            rounds=asked.rounds,
            seconds=asked.seconds,
            counts=tuple(asked.events or (FULL if asked.full else FULL[:-1])),
        )
        for name in asked.scenarios or SCENARIOS:
            SCENARIOS[name](book, options)
    if asked.json:
        book.write(asked.json)
    return judge(book, asked.baseline)


def judge(book: Book, baseline: Path) -> int:
    """Say what became worse or better since the baseline. 1 if something became worse on the same kind of machine."""
    if not baseline.exists():
        print(f"\nThere is no baseline at {baseline}.")
        return 0
    before = Book.read(baseline)
    judged = verdicts(book, before)
    worse = [verdict for verdict in judged if verdict.is_regression]
    better = [verdict for verdict in judged if verdict.is_progress]
    print(f"\n{len(judged)} figures beside the baseline: {len(worse)} worse, {len(better)} better.")
    for word, found in (("worse ", worse), ("better", better)):
        for verdict in found:
            print(f"  {word}  {verdict}")
    if worse and before.machine != book.machine:
        print(f"  The baseline is of another machine, so this proves nothing: {before.machine}")
        return 0
    return 1 if worse else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all if none")
    parser.add_argument("--rounds", type=int, default=Options.rounds, help="of each measurement that is judged")
    parser.add_argument("--seconds", type=float, default=Options.seconds, help="of each load")
    parser.add_argument("--full", action="store_true", help="read and grow on 1,000,000 events too")
    parser.add_argument("--events", type=int, action="append", help="read and grow on so many instead; repeat it")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the databases that were filled, and use them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, round by round")
    parser.add_argument("--baseline", type=Path, metavar="FILE", default=BASELINE, help="what to compare with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
