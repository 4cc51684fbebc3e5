"""`bugwatch migrate`: bring the data to the newest schema without serving, such as before instances are restarted."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.domain.clock import now_ms

if TYPE_CHECKING:
    from bugwatch.services.house import House


class Migrate(HouseCommand):
    kind = "migrate"
    help = "bring the data to the newest schema; every start does so too"

    def prepare(self, args: Namespace) -> None:
        args.began_at = now_ms()

    async def answer(self, house: House, args: Namespace) -> Answer:
        from bugwatch.storage import migrate

        # Opening the house has migrated already; what remains is to tell.
        async with house.db.read() as tx:
            history = await migrate.history(tx)
        fresh = [row["number"] for row in history if row["applied_at"] >= args.began_at]
        newest = history[-1]["number"]
        done = f"Applied {', '.join(f'{number:04}' for number in fresh)}. " if fresh else "Nothing was to be done. "
        return Answer(f"{done}The data is at schema {newest}, the newest.", {"schema": newest, "applied": fresh})
