"""The operator's door: `bugwatch VERB`. One file is one command; what they have in common is in `command.py`.

An error is one sentence with what to do next, on stderr. Exits with 0 when it is done, 1 when it was refused or
failed, 2 when the command line is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence

from bugwatch import cli, shelf
from bugwatch.cli.arguments import build
from bugwatch.cli.command import Answer, Command
from bugwatch.domain.errors import BugwatchError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    os.umask(0o077)  # whatever we write is for its owner only
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without our quotes gets question marks, not an error
    commands = all_commands()
    args = build(commands).parse_args(argv)
    try:
        return show(commands[args.verb or "serve"].run(args), args)
    except BugwatchError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # `bugwatch config | head -1`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the packed program hears it twice, the second time while it ends
        return 130
    except Exception as error:  # whatever it is, a person gets a sentence
        if is_debugging(args):
            raise
        what = f"{type(error).__name__}: {error}"
        print(f"Something broke ({what}). BUGWATCH_LOG_LEVEL=debug shows where; please report it.", file=sys.stderr)
        return 1


def all_commands() -> dict[str, Command]:
    """Every verb with its command, by name."""
    return {kind: command() for kind, command in shelf.discover(cli, Command).items()}


def show(answer: Answer, args: Namespace) -> int:
    """Print the answer in the form that was asked for; its exit code."""
    if args.json:
        print(json.dumps(answer.data, ensure_ascii=False))
    elif answer.text:
        print(answer.text)
    sys.stdout.flush()
    return answer.status


def is_debugging(args: Namespace) -> bool:
    return str(getattr(args, "log_level", os.environ.get("BUGWATCH_LOG_LEVEL"))) == "debug"
