"""The operator's door: `bugwatch VERB`. An error is one sentence with what to do next; exits 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bugwatch import log
from bugwatch.config import load
from bugwatch.domain.errors import BugwatchError


def main() -> None:
    from bugwatch.main import serve

    try:
        config, _ = load()
        log.configure(config.log_level, config.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config))
    except BugwatchError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
