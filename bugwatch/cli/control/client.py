"""The command's end: has it done by the running server if there is one, else does it on the data itself."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bugwatch import __version__
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.cli.control import PATIENCE_S, address
from bugwatch.domain.errors import BugwatchError, Forbidden, Unavailable

if TYPE_CHECKING:
    from bugwatch.config import Config

LONGEST_ANSWER = 64 * 1024 * 1024


def ask(command: HouseCommand, args: Namespace, config: Config) -> Answer:
    """The command's answer. Raises BugwatchError with the sentence to show."""
    return asyncio.run(_ask(command, args, config))


async def _ask(command: HouseCommand, args: Namespace, config: Config) -> Answer:
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        connection = await _connect(config.data_dir.expanduser().absolute())
        if connection:
            return await _over(*connection, command.kind, args)

        from bugwatch.storage.data_dir import InUse

        try:
            return await command.alone(config, args)
        except InUse:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.05)


async def _connect(data_dir: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    try:
        with address(data_dir) as path:
            return await asyncio.open_unix_connection(path, limit=LONGEST_ANSWER)
    except (FileNotFoundError, ConnectionRefusedError):
        return None  # no server: the socket is not there, or nobody listens behind it any more
    except PermissionError:
        raise Forbidden(
            f"The data folder {data_dir} belongs to another user. Run this command as that user or as root."
        ) from None


async def _over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, verb: str, args: Namespace) -> Answer:
    request = {"version": __version__, "verb": verb, "arguments": vars(args)}
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
    except OSError:
        line = b""
    finally:
        writer.close()
    if not line:
        raise Unavailable("The running Bugwatch hung up without an answer. Its log says why; look whether it was done.")
    answer = json.loads(line)
    if "error" in answer:
        raise BugwatchError(answer["error"])
    return Answer(answer["text"], answer["data"], answer["status"])
