"""`bugwatch restore FILE`."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, Command, configure
from bugwatch.domain.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from bugwatch.services.backup import Copy
    from bugwatch.storage.data_dir import DataDir


class Restore(Command):
    kind = "restore"
    help = "put a backup in the place of the data, while no server runs"

    def configure(self, parser: Parser) -> None:
        parser.add_argument("file", metavar="FILE", help="made by “bugwatch backup”")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def run(self, args: Namespace) -> Answer:
        config = configure(args)
        if config.database_url:
            raise Unavailable(
                "On Postgres, restore with its own tools: stop every Bugwatch, then run "
                'pg_restore --clean --if-exists -d "$BUGWATCH_DATABASE_URL" FILE.'
            )
        import asyncio

        from bugwatch.storage.data_dir import DataDir

        with DataDir(config.data_dir) as data_dir:
            return asyncio.run(restore(data_dir, Path(args.file).expanduser().absolute(), is_sure=args.yes))


async def restore(data_dir: DataDir, source: Path, *, is_sure: bool) -> Answer:
    from bugwatch import resources
    from bugwatch.domain.clock import now_ms
    from bugwatch.services import backup
    from bugwatch.storage.migrate import load

    staged = await backup.stage(data_dir, source, load(resources.migrations(), "sqlite"))
    try:
        if data_dir.database.exists() and not is_sure:
            confirm(data_dir, source, staged)
        kept = await backup.put_in_place(data_dir, staged, now_ms)
    finally:
        backup.discard(staged)
    events, issues = staged.counts["events"], staged.counts["issues"]
    return Answer(
        f"Restored {source}, checked: {events:,} events, {issues:,} issues, schema {staged.schema}."
        + (f"\nWhat was there before is kept as {kept}." if kept else ""),
        {"path": str(source), "schema": staged.schema, "counts": staged.counts, "kept": str(kept) if kept else None},
    )


def confirm(data_dir: DataDir, source: Path, staged: Copy) -> None:
    """Ask the person at the terminal. Raises Conflict if the answer is no, or if nobody is there."""
    if not sys.stdin.isatty():
        raise Conflict(f"There is data in {data_dir.path} already. Say --yes to put {source} in its place.")
    print(
        f"{source} holds {staged.counts['events']:,} events and {staged.counts['issues']:,} issues. "
        f"Put it in the place of the data in {data_dir.path}, which is kept aside? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Conflict("Nothing was changed.")
