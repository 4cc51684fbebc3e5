"""The socket by which a command reaches a running server: `bugwatch.sock` in the data folder, for its owner and root.

One connection is one command. A line of JSON goes in (`version`, `verb`, `arguments`), a line comes back: the answer
(`text`, `data`, `status`), or the sentence of an `error`. The server runs the same code that the command would have
run itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bugwatch import __version__
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.domain.errors import BugwatchError, Forbidden, Unavailable

if TYPE_CHECKING:
    from bugwatch.cli.command import Command
    from bugwatch.config import Config
    from bugwatch.services.house import House

log = logging.getLogger(__name__)

NAME = "bugwatch.sock"
LONGEST_ADDRESS = 107  # bytes; what a sockaddr_un holds
LONGEST_REQUEST = 1024 * 1024
LONGEST_ANSWER = 64 * 1024 * 1024
# How long a command waits while another one holds the data folder, or while a server starts and does not listen yet.
PATIENCE_S = 10.0


def ask(command: HouseCommand, args: Namespace, config: Config) -> Answer:
    """The command's answer: from the running server if there is one, else from the house, opened for it."""
    return asyncio.run(_ask(command, args, config))


async def _ask(command: HouseCommand, args: Namespace, config: Config) -> Answer:
    data_dir = config.data_dir.expanduser().absolute()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while True:
        connection = await _connect(data_dir)
        if connection:
            return await _over(*connection, command.kind, args)

        from bugwatch.main import open_house
        from bugwatch.storage.data_dir import InUse

        try:
            async with open_house(config) as house:
                return await command.answer(house, args)
        except InUse:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(0.05)


async def _connect(data_dir: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    try:
        with _address(data_dir) as address:
            return await asyncio.open_unix_connection(address, limit=LONGEST_ANSWER)
    except (FileNotFoundError, ConnectionRefusedError):
        return None  # no server: the socket is not there, or nobody listens behind it any more
    except PermissionError:
        raise Forbidden(
            f"The Bugwatch that uses {data_dir} belongs to another user. Run this command as that user or as root."
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
        raise Unavailable("The running Bugwatch hung up before it answered. Its log says why; look whether it was done.")
    answer = json.loads(line)
    if "error" in answer:
        raise BugwatchError(answer["error"])
    return Answer(answer["text"], answer["data"], answer["status"])


@asynccontextmanager
async def listening(data_dir: Path, house: House, commands: Mapping[str, Command]) -> AsyncIterator[None]:
    """Answer commands over `house` as long as this is entered. The data folder is ours: we hold its lock."""
    running: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_serve(reader, writer, house, commands))
        running.add(task)
        task.add_done_callback(running.discard)

    listener = _listen(data_dir)
    server = await asyncio.start_unix_server(connected, sock=listener, limit=LONGEST_REQUEST)
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
    with contextlib.suppress(OSError, ValueError):  # the caller went away, or sent no line: nobody to tell
        try:
            _check_peer(writer.get_extra_info("socket"))
            answer = await _answer(await reader.readline(), house, commands)
            reply: dict[str, object] = {"text": answer.text, "data": answer.data, "status": answer.status}
        except BugwatchError as error:
            reply = {"error": str(error)}
        except Exception:  # whatever a command raises, the server goes on and the caller is told
            log.exception("A command failed")
            reply = {"error": "Something broke on the running Bugwatch. Its log says where; please report it."}
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
    writer.close()


async def _answer(line: bytes, house: House, commands: Mapping[str, Command]) -> Answer:
    request = json.loads(line)
    if request["version"] != __version__:
        raise Unavailable(
            f"The running Bugwatch is {request['version'] and __version__}, this command is {request['version']}. "
            "Restart the server first."
        )
    command = commands[request["verb"]]
    assert isinstance(command, HouseCommand)
    return await command.answer(house, Namespace(**request["arguments"]))


def _check_peer(connection: socket.socket) -> None:
    """Only who runs the server, and root. The folder and the socket's mode say so too; this does not depend on them."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, os.getuid()):
            raise Forbidden("This Bugwatch belongs to another user. Run this command as that user or as root.")


def _listen(data_dir: Path) -> socket.socket:
    (data_dir / NAME).unlink(missing_ok=True)  # of a server that was killed: we hold the lock, so it is gone
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _address(data_dir) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    return listener


@contextmanager
def _address(data_dir: Path) -> Iterator[str]:
    """A name for the socket that fits: a folder that is too deep is reached through an open handle on it."""
    address = str(data_dir / NAME)
    if len(os.fsencode(address)) <= LONGEST_ADDRESS:
        yield address
        return
    handle = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)
