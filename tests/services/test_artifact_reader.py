"""The child process costs nobody but the map that ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from bugwatch.domain.errors import Unavailable
from bugwatch.domain.symbolication import Verdict
from bugwatch.services import artifact_reader
from bugwatch.services.artifact_reader import ArtifactReader, Content
from bugwatch.symbolicators import child
from tests.symbolicators.test_javascript import CODE, MAP

CRASH = (1, 135)


@pytest.fixture
async def reader() -> AsyncIterator[ArtifactReader]:
    reader = ArtifactReader()
    yield reader
    await reader.stop()


class Shelf:
    """Holds one map, and counts how often it was fetched."""

    def __init__(self, code: bytes = CODE, artifact: bytes = MAP) -> None:
        self.content = code, artifact
        self.fetched = 0

    async def load(self) -> Content:
        self.fetched += 1
        return self.content


async def functions(reader: ArtifactReader, shelf: Shelf, key: bytes = b"map") -> list[str] | Verdict:
    found = await reader.resolve("javascript", key, [CRASH], shelf.load)
    return found if isinstance(found, Verdict) else [position.function for position in found if position]


def pid_of(reader: ArtifactReader) -> int:
    assert reader._process
    return reader._process.pid


async def gone(pid: int) -> None:
    """Wait until there is no such process."""
    async with asyncio.timeout(10):
        while os.path.exists(f"/proc/{pid}"):  # noqa: ASYNC110, ASYNC240 - nothing tells when a process is gone
            await asyncio.sleep(0.01)


async def test_a_map_is_sent_to_the_child_once(reader: ArtifactReader) -> None:
    shelf = Shelf()

    assert [await functions(reader, shelf) for _ in range(3)] == [["priceOf"]] * 3
    assert shelf.fetched == 1


async def test_a_broken_map_and_one_that_is_too_much_are_told_apart_and_the_next_is_read(
    reader: ArtifactReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_reader, "command", lambda: [*command(), "MEMORY_BYTES", str(100 * 1024 * 1024)])
    huge = Shelf(b"", MAP[:-3].rstrip() + b',"x":"' + b"x" * 60_000_000 + b'"}')

    assert await functions(reader, Shelf(artifact=b"{}"), b"broken") is Verdict.MAP_BROKEN
    assert await functions(reader, huge, b"huge") is Verdict.TOO_LARGE
    assert await functions(reader, Shelf()) == ["priceOf"]


async def test_code_that_is_too_much_is_left_out(reader: ArtifactReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_reader, "command", lambda: [*command(), "MEMORY_BYTES", str(150 * 1024 * 1024)])

    assert await functions(reader, Shelf(CODE + b"a(1);" * 5_000_000)) == [""]


async def test_a_child_that_does_not_answer_is_ended(reader: ArtifactReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_reader, "WAIT_S", 0.5)
    monkeypatch.setattr(artifact_reader, "command", lambda: ["sleep", "60"])
    assert await functions(reader, Shelf()) is Verdict.TOO_LARGE

    monkeypatch.undo()
    assert await functions(reader, Shelf()) == ["priceOf"]


async def test_a_child_that_cannot_start_is_no_maps_fault(
    reader: ArtifactReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_reader, "command", lambda: ["false"])

    with pytest.raises(Unavailable, match="does not work"):
        await functions(reader, Shelf())
    monkeypatch.setattr(artifact_reader, "command", lambda: ["/nowhere/at/all"])
    with pytest.raises(Unavailable, match="does not start"):
        await functions(reader, Shelf())


async def test_a_child_that_is_killed_while_it_rests_is_no_maps_fault(reader: ArtifactReader) -> None:
    shelf = Shelf()
    await functions(reader, shelf)

    os.kill(pid_of(reader), signal.SIGKILL)

    assert await functions(reader, shelf) == ["priceOf"]
    assert shelf.fetched == 2


async def test_who_gives_up_waiting_leaves_no_answer_for_the_next(reader: ArtifactReader) -> None:
    asked = asyncio.create_task(functions(reader, Shelf()))
    await asyncio.sleep(0.05)
    asked.cancel()

    assert await functions(reader, Shelf(), b"another") == ["priceOf"]


async def test_an_idle_child_ends(reader: ArtifactReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_reader, "IDLE_S", 0.01)
    assert await functions(reader, Shelf()) == ["priceOf"]
    pid = pid_of(reader) if reader._process else None

    if pid:
        await gone(pid)
    assert await functions(reader, Shelf()) == ["priceOf"]


async def test_the_child_ends_with_its_parent() -> None:
    script = (
        "import asyncio, os\n"
        "from bugwatch.services.artifact_reader import ArtifactReader\n"
        "async def main():\n"
        "    reader = ArtifactReader()\n"
        "    await reader._running()\n"
        "    print(reader._process.pid, flush=True)\n"
        "    await asyncio.sleep(0.3)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        artifact_reader.sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    await parent.wait()

    await gone(pid)


def command() -> list[str]:
    """A child one of whose constants is what the last two arguments say."""
    code = (
        "import sys; from bugwatch.symbolicators import child\n"
        "setattr(child, sys.argv[-2], int(sys.argv[-1])); sys.argv = sys.argv[:2]; child.main()"
    )
    return [artifact_reader.sys.executable, "-c", code, str(os.getpid())]


def test_what_the_child_may_take_is_what_a_dense_map_of_20_mb_needs() -> None:
    assert (child.MEMORY_BYTES, child.CPU_S) == (1024**3, 20)
