"""`bugwatch serve`, also without a verb."""

from __future__ import annotations

import gc
import signal
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bugwatch import cli
from bugwatch.cli.arguments import flags
from bugwatch.cli.command import Answer, Command

if TYPE_CHECKING:
    from bugwatch.config import Config
    from bugwatch.services.house import House


GARBAGE = 5_000  # objects that have gathered when it is time to look for garbage


class Serve(Command):
    kind = "serve"
    help = "run the server (also without a verb)"

    def run(self, args: Namespace) -> Answer:
        quieten()
        gc.disable()  # what a start makes stays: to look through it again and again takes a tenth of the time
        import asyncio

        import uvloop

        from bugwatch import log
        from bugwatch.cli.control.server import listening
        from bugwatch.config import load
        from bugwatch.main import serve

        config, _ = load(flags(args))
        log.configure(config.log_level, config.log_format)

        @asynccontextmanager
        async def beside(house: House) -> AsyncIterator[None]:
            async with listening(config.data_dir.expanduser().absolute(), house, cli.all_commands()):
                settle_down()
                hint = await greeting(house, config)
                if hint:
                    print(hint, flush=True)
                yield

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config, beside=beside))
        quieten()
        return Answer("")


def quieten() -> None:
    """Where the server does not listen for Ctrl-C, at both ends of its life, that is an end and not a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def settle_down() -> None:
    """From here on, only what is made later is looked through for garbage. (Measured: 3 % of the time and pauses of
    45 ms with all that stays, 0.2 % and 8 ms without.)"""
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()


async def greeting(house: House, config: Config) -> str:
    """What to do first, as long as nobody has an account; empty afterwards."""
    token = await house.accounts.setup_token()
    if not token:
        return ""
    lines = [
        "",
        "  Welcome to Bugwatch. Open this link to make the first account. It works once; each start prints a new one.",
        "",
        f"      {house.site.link(f'/setup?token={token}')}",
        "",
        f"  Your data is kept in {config.data_dir.expanduser().absolute()}",
    ]
    if is_loopback(config.host) and not config.base_url:
        lines += ["  Only this machine can reach it. To open it to your network: BUGWATCH_HOST=0.0.0.0 bugwatch serve"]
    return "\n".join([*lines, ""])


def is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
