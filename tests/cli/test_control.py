"""The operator's socket: only for its owner, wherever the folder is, and not to be confused by what is sent to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from bugwatch import __version__, cli
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.cli.control import NAME, address, client, server
from bugwatch.domain.errors import BugwatchError, Conflict
from bugwatch.services.house import House
from tests.cli.conftest import Operator


class Echo(HouseCommand):
    kind = "echo"

    async def answer(self, house: House, args: object) -> Answer:
        given = vars(args)
        if "refuse" in given:
            raise Conflict(given["refuse"])
        if "break" in given:
            raise ZeroDivisionError("a secret")
        return Answer("said", given, 3)


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[None]:
    async with server.listening(folder, cast("House", None), {**cli.all_commands(), "echo": Echo()}):
        yield


async def tell(folder: Path, line: bytes) -> object:
    with address(folder) as path:
        reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return json.loads(answer)


def request(arguments: dict[str, object], verb: str = "echo", version: str = __version__) -> bytes:
    return json.dumps({"version": version, "verb": verb, "arguments": arguments}).encode() + b"\n"


async def test_a_command_is_done_and_answered(tmp_path: Path) -> None:
    async with listening(tmp_path):
        assert await tell(tmp_path, request({"a": [1, None]})) == {
            "text": "said",
            "data": {"a": [1, None]},
            "status": 3,
        }


async def test_a_refusal_is_its_sentence_and_a_bug_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path):
        assert await tell(tmp_path, request({"refuse": "No."})) == {"error": "No."}
        broken = json.dumps(await tell(tmp_path, request({"break": 1})))

    assert "a secret" not in broken
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"hello\n",
        b"[]\n",
        b"{}\n",
        b"\xff\xfe\n",
        b'{"version": "1", "verb": "echo", "arguments": 3}\n',
        b"[" * 100_000 + b"\n",
        request({}, verb="serve"),
        request({}, verb="restore"),
        request({}, verb="nothing"),
        request({}, version="0.0.0"),
    ],
)
async def test_what_is_no_command_is_refused_and_the_server_goes_on(tmp_path: Path, line: bytes) -> None:
    async with listening(tmp_path):
        answer = await tell(tmp_path, line)
        assert isinstance(answer, dict)
        assert list(answer) == ["error"]
        assert await tell(tmp_path, request({})) == {"text": "said", "data": {}, "status": 3}


async def test_what_is_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    async with listening(tmp_path):
        with contextlib.suppress(ConnectionError):
            assert "error" in str(await tell(tmp_path, b" " * 4_000_000))
        assert await tell(tmp_path, request({})) == {"text": "said", "data": {}, "status": 3}


async def test_another_version_is_told_what_to_do(tmp_path: Path) -> None:
    async with listening(tmp_path):
        answer = await tell(tmp_path, request({}, version="0.0.0"))

    assert answer == {
        "error": f"The running Bugwatch is {__version__}, this command is 0.0.0. Restart the server first."
    }


async def test_a_caller_who_leaves_does_not_stop_the_others(tmp_path: Path) -> None:
    async with listening(tmp_path):
        with address(tmp_path) as path:
            for line in (b"", b"{", request({"a": "x" * 5_000})):
                with socket.socket(socket.AF_UNIX) as caller:
                    caller.connect(path)
                    caller.sendall(line)
        assert await tell(tmp_path, request({})) == {"text": "said", "data": {}, "status": 3}


async def test_the_socket_is_its_owners_and_goes_with_the_server(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()  # left by a server that was killed
    async with listening(tmp_path):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert not (tmp_path / NAME).exists()


async def test_another_user_is_refused_even_where_the_socket_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.os, "getuid", lambda: 4242)
    monkeypatch.setattr(server.struct, "unpack", lambda *_: (1, 4243, 1))
    async with listening(tmp_path):
        answer = await tell(tmp_path, request({}))

    assert "belongs to another user" in str(answer)


@pytest.mark.parametrize("length", [60, 107 - len(NAME) - 1, 108 - len(NAME) - 1, 200])
async def test_a_folder_may_be_as_deep_as_it_likes(tmp_path: Path, length: int) -> None:
    folder = tmp_path / ("x" * max(1, length - len(str(tmp_path)) - 1))
    folder.mkdir()
    async with listening(folder):
        assert await tell(folder, request({})) == {"text": "said", "data": {}, "status": 3}


async def test_an_answer_that_never_comes_is_a_sentence(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    with address(tmp_path) as path:
        listener = await asyncio.start_unix_server(hang_up, path)
    async with listener:
        connection = await client._connect(tmp_path)
        assert connection
        with pytest.raises(BugwatchError, match="hung up without an answer"):
            await client._over(*connection, "echo", server.Namespace())


def test_commands_at_once_wait_for_each_other(bugwatch: Operator) -> None:
    processes = [bugwatch.start("project", "create", "--name", f"P{n}") for n in range(3)]
    assert [process.wait(60) for process in processes] == [0] * 3

    assert len(bugwatch.json("project", "list")) == 3


def test_a_command_may_come_while_the_server_starts(bugwatch: Operator) -> None:
    bugwatch.start("serve")

    assert bugwatch.run("project", "create", "--name", "Shop").code == 0


def test_two_servers_share_a_postgres_and_each_has_its_commands(
    bugwatch: Operator, postgres_url: str, tmp_path: Path
) -> None:
    bugwatch.settings["DATABASE_URL"] = postgres_url
    bugwatch.serve()
    other = Operator(tmp_path / "other", bugwatch.port + 1 if bugwatch.port < 65535 else 1024, bugwatch.settings)
    try:
        other.serve()
        bugwatch.json("project", "create", "--name", "Shop")
        assert [project["slug"] for project in other.json("project", "list")] == ["shop"]
        third = Operator(tmp_path / "third", 0, bugwatch.settings)
        assert [project["slug"] for project in third.json("project", "list")] == ["shop"]
    finally:
        other.stop()


def test_the_socket_of_a_long_path_works_for_real(bugwatch: Operator, tmp_path: Path) -> None:
    bugwatch.home = tmp_path / ("deep" * 20) / ("deeper" * 10)
    bugwatch.serve()

    assert bugwatch.run("project", "create", "--name", "Shop").code == 0
    assert len(os.fsencode(bugwatch.home / NAME)) > 107
