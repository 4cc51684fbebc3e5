"""What a command is. To add one, copy its nearest neighbour in this folder: one file, one verb.

Modules here are all imported at every call, to know the verbs; so they import what is heavy where they use it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bugwatch.cli.arguments import Parser
from bugwatch.domain.errors import Invalid
from bugwatch.domain.json import Json

if TYPE_CHECKING:
    from bugwatch.config import Config
    from bugwatch.services.house import House


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say: `text` to people, `data` to programs that gave `--json`; `status` is the exit code."""

    text: str
    data: Json = None
    status: int = 0


class Command:
    """A verb. `help` is its line in `bugwatch --help`."""

    kind: ClassVar[str] = ""
    help: ClassVar[str] = ""

    def configure(self, parser: Parser) -> None:
        """Tell `parser` what may follow the verb."""

    def run(self, args: Namespace) -> Answer:
        """Do it, in this process. Raises BugwatchError with one sentence."""
        raise NotImplementedError


class HouseCommand(Command):
    """A verb that needs the house: done by the running server if there is one, else on the data itself."""

    def prepare(self, args: Namespace) -> None:
        """Put into `args` what only the caller's process can see: files, relative paths, the terminal."""

    async def answer(self, house: House, args: Namespace) -> Answer:
        """Do it; in the server's process if one is running."""
        raise NotImplementedError

    async def alone(self, config: Config, args: Namespace) -> Answer:
        """Do it where no server runs. Raises InUse if one does after all."""
        from bugwatch.main import open_house

        async with open_house(config) as house:
            return await self.answer(house, args)

    def run(self, args: Namespace) -> Answer:
        from bugwatch.cli.control.client import ask

        self.prepare(args)
        return ask(self, args, configure(args))


def configure(args: Namespace) -> Config:
    """The configuration for these flags; from now on a command logs warnings only, unless a level was asked for."""
    from bugwatch import log
    from bugwatch.cli.arguments import flags
    from bugwatch.config import load

    config, sources = load(flags(args))
    log.configure(config.log_level if "log_level" in sources else "warning", config.log_format)
    return config


def read_secret(source: str) -> str:
    """What the file named `source` (`-`: standard input) holds, without the newline that editors and `echo` add."""
    import sys

    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Invalid(f"The file {source} cannot be read: {reason}.") from None
    return text.removesuffix("\n").removesuffix("\r")


def table(rows: Sequence[Mapping[str, object]], nothing: str) -> str:
    """Rows in columns under their names; `nothing` if there are none."""
    if not rows:
        return nothing
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
