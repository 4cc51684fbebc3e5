"""The command line: verbs from the shelf, and the flags that every verb takes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from bugwatch.cli.command import Command

# Flag: what stands for its value, and what it is. Each is a setting of the same name (bugwatch/config.py).
SETTINGS = {
    "data_dir": ("DIR", "folder for the database, keys and backups"),
    "host": ("ADDRESS", "address to listen on"),
    "port": ("N", "port to listen on"),
    "base_url": ("URL", "the address that people and SDKs use"),
    "database_url": ("URL", "a Postgres database instead of a file"),
    "log_level": ("LEVEL", "debug, info, warning or error"),
    "log_format": ("FORMAT", "text or json"),
}


class Parser(argparse.ArgumentParser):
    """Knows the flags of every verb, before and after it, and says what is wrong in one sentence. Exits with 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        # SUPPRESS: a verb's parser must not put its defaults over what was given before the verb.
        self.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print the result as JSON")
        group = self.add_argument_group("settings", "also by environment and file, see “bugwatch config”")
        for name, (metavar, text) in SETTINGS.items():
            group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, default=argparse.SUPPRESS, help=text)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See “{self.prog} --help”.\n")

    def actions(self) -> argparse._SubParsersAction[Parser]:
        """Where a verb with several actions (`user create`, `user list`) adds them; `args.action` tells which."""
        return self.add_subparsers(dest="action", metavar="ACTION", required=True)


def build(commands: dict[str, Command]) -> Parser:
    """The parser of the whole command line; `args.verb` is None where none was given."""
    parser = Parser(prog="bugwatch", description="One file that watches your software. Without a verb it serves.")
    parser.set_defaults(json=False)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for kind, command in commands.items():
        command.configure(verbs.add_parser(kind, help=command.help, description=command.help))
    return parser


def flags(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given as flags."""
    return {name: value for name, value in vars(args).items() if name in SETTINGS}
