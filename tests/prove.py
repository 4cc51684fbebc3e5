"""`make prove`: the tests that are worth repeating, for hours. Stop it at will: it goes on where it was.

What was proven counts for one commit; a change begins anew. The first failure ends the run and shows where its log is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "build" / "prove.json"
LOGS = ROOT / "build" / "prove"


@dataclass(frozen=True, slots=True)
class Proof:
    """What `pytest` shows of `what`, the more the more often it ran. `environment` is added to ours."""

    name: str
    rounds: int
    what: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


PROOFS = (
    Proof("a kill loses nothing", 40, ("tests/journeys/test_kill.py",), (("BUGWATCH_KILLS", "25"),)),
    Proof("the executable keeps its manners", 20, ("tests/journeys/test_binary.py",)),
    Proof("hostile input gets an answer", 10, ("tests/protocol", "tests/domain", "--hypothesis-profile=prove")),
    Proof("any event is shown", 10, ("tests/journeys/test_foreign_payloads.py",), (("BUGWATCH_EXAMPLES", "2000"),)),
    Proof("the bundlers upload", 1, ("tests/journeys/test_bundlers.py",), (("BUGWATCH_BUNDLERS", "1"),)),
    Proof("every page holds in every way", 2, ("tests/journeys/browser",), (("BUGWATCH_LOOKS", "all"),)),
    Proof("nothing depends on luck", 10, ("tests", "-n", "2", "--dist", "loadgroup")),
)


def main() -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout
    book = json.loads(BOOK.read_text()) if BOOK.exists() else {}
    done: dict[str, int] = book.get("done", {}) if book.get("commit") == commit.strip() else {}
    for proof in PROOFS:
        while done.get(proof.name, 0) < proof.rounds:
            number = done.get(proof.name, 0) + 1
            run(proof, number)
            done[proof.name] = number
            BOOK.write_text(json.dumps({"commit": commit.strip(), "done": done}))
    print(f"All proven for {commit.strip()}.")


def run(proof: Proof, number: int) -> None:
    """One round; ends the program if it fails."""
    began = time.monotonic()
    log = LOGS / f"{proof.name.replace(' ', '-')}-{number}.log"
    with log.open("w") as file:
        failed = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *proof.what],
            cwd=ROOT,
            env=os.environ | dict(proof.environment),
            stdout=file,
            stderr=subprocess.STDOUT,
        ).returncode
    print(f"{proof.name}: {number} of {proof.rounds}, {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        sys.exit(f"This one failed; its log: {log}")


if __name__ == "__main__":
    main()
