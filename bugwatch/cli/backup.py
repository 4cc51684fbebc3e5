"""`bugwatch backup`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, HouseCommand

if TYPE_CHECKING:
    from bugwatch.services.house import House


class Backup(HouseCommand):
    kind = "backup"
    help = "copy the data, also while it is in use, and check that the copy is good"

    def configure(self, parser: Parser) -> None:
        parser.add_argument("--to", metavar="PATH", help="a new file, or a folder; else backups/ in the data folder")

    def prepare(self, args: Namespace) -> None:
        args.to = args.to and str(Path(args.to).expanduser().absolute())

    async def answer(self, house: House, args: Namespace) -> Answer:
        copy = await house.backups.take(Path(args.to) if args.to else None)
        events, issues = copy.counts["events"], copy.counts["issues"]
        return Answer(
            f"{copy.path}\n"
            f"{copy.size / 2**20:.1f} MB, checked: {events:,} events, {issues:,} issues, schema {copy.schema}.\n"
            "It does not hold the secret key: keep secret.key, or BUGWATCH_SECRET_KEY, in a place of its own.",
            {"path": str(copy.path), "bytes": copy.size, "schema": copy.schema, "counts": copy.counts},
        )
