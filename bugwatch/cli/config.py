"""`bugwatch config`: every setting, its value and where that comes from; and `.env.example`."""

from __future__ import annotations

import re
import textwrap
from argparse import Namespace
from enum import Enum

from bugwatch.cli.arguments import Parser, flags
from bugwatch.cli.command import Answer, Command, table

MASK = "********"

_SECRET_NAME = re.compile(r"(^|_)(key|secret|password|token)$")
_IN_A_URL = (
    (re.compile(r"(://[^:/@]*):.*@"), rf"\1:{MASK}@"),  # to the last @: passwords hold all sorts of things
    (re.compile(r"([?&][^=&]*password)=[^&]*"), rf"\1={MASK}"),
)


class ShowConfig(Command):
    kind = "config"
    help = "print every setting, its value and where it comes from"

    def configure(self, parser: Parser) -> None:
        parser.add_argument(
            "--env-example",
            action="store_true",
            help="print a file with every variable, commented out at its default",
        )

    def run(self, args: Namespace) -> Answer:
        from bugwatch.config import PREFIX, load

        if args.env_example:
            return Answer(env_example().rstrip("\n"))
        config, sources = load(flags(args))
        shown = {name: {"value": masked(name, value), "source": sources.get(name, "default")} for name, value in config}
        return Answer(table([{"setting": PREFIX + name.upper(), **row} for name, row in shown.items()], ""), shown)


def masked(name: str, value: object) -> str | int | bool:
    """A setting's value, as it may be shown: without passwords and keys."""
    if isinstance(value, bool | int):
        return value
    text = str(value.value if isinstance(value, Enum) else value)
    if text and _SECRET_NAME.search(name):
        return MASK
    for pattern, replacement in _IN_A_URL:
        text = pattern.sub(replacement, text)
    return text


def env_example() -> str:
    """`.env.example`: each variable with its manual, commented out at its default."""
    from bugwatch.config import PREFIX, manual

    lines = [
        "# Every setting of Bugwatch, commented out at its default. Made by `bugwatch config --env-example`.",
        "# Each may also be given as NAME_FILE, the path of a file that holds the value, or in bugwatch.toml in the",
        f"# data folder, in lower case and without {PREFIX}. A flag beats the environment, the environment the file.",
    ]
    for setting in manual():
        lines += ["", *textwrap.wrap(setting.description, 110, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"# {setting.name}={setting.default}")
    return "\n".join(lines) + "\n"
