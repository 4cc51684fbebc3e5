"""The server's end: runs commands over its own house."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bugwatch import __version__
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.cli.control import NAME, PATIENCE_S, address
from bugwatch.domain.errors import BugwatchError, Forbidden, Invalid, Unavailable

if TYPE_CHECKING:
    from bugwatch.cli.command import Command
    from bugwatch.services.house import House

log = logging.getLogger(__name__)

LONGEST_REQUEST = 1024 * 1024


@asynccontextmanager
async def listening(data_dir: Path, house: House, commands: Mapping[str, Command]) -> AsyncIterator[None]:
    """Answer commands over `house` as long as this is entered. The data folder is ours: we hold its lock."""
    running: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_serve(reader, writer, house, commands))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_unix_server(connected, sock=_bind(data_dir), limit=LONGEST_REQUEST)
    try:
        yield
    finally:
        server.close()
        (data_dir / NAME).unlink(missing_ok=True)
        if running:
            await asyncio.wait(running, timeout=PATIENCE_S)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, house: House, commands: Mapping[str, Command]
) -> None:
    reply: dict[str, object]
    try:
        answer = await _answer(reader, writer.get_extra_info("socket"), house, commands)
        reply = {"text": answer.text, "data": answer.data, "status": answer.status}
    except BugwatchError as error:
        reply = {"error": str(error)}
    except Exception:  # whatever a command raises, the server goes on and the caller is told
        log.exception("A command failed")
        reply = {"error": "Something broke in the running Bugwatch. Its log says where; please report it."}
    with contextlib.suppress(OSError):  # the caller went away: what was done is done
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
    writer.close()


async def _answer(
    reader: asyncio.StreamReader, peer: socket.socket, house: House, commands: Mapping[str, Command]
) -> Answer:
    try:
        line = await reader.readline()  # first: whoever is refused while still writing does not hear why
        _check(peer)
        request = json.loads(line)
        theirs, verb, arguments = request["version"], request["verb"], Namespace(**request["arguments"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid("This is not a command.") from None
    if theirs != __version__:
        raise Unavailable(f"The running Bugwatch is {__version__}, this command is {theirs}. Restart the server first.")
    command = commands.get(verb)
    if not isinstance(command, HouseCommand):
        raise Invalid(f"A running Bugwatch does not do “{verb}”.")
    return await command.answer(house, arguments)


def _check(peer: socket.socket) -> None:
    """Only who runs the server, and root. The socket's mode says so as well; where the kernel tells, we ask it too."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, os.getuid()):
            raise Forbidden("This Bugwatch belongs to another user. Run the command as that user or as root.")


def _bind(data_dir: Path) -> socket.socket:
    (data_dir / NAME).unlink(missing_ok=True)  # of a server that was killed: we hold the lock, so it is gone
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with address(data_dir) as path:
            listener.bind(path)
    finally:
        os.umask(before)
    return listener
