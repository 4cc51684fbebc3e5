"""Bugwatch watches itself."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bugwatch.domain.batch import Batch
from bugwatch.services.digest import Digest, Digested
from bugwatch.services.own_errors import OwnErrors
from bugwatch.services.pipeline import Pipeline
from bugwatch.storage import spool
from bugwatch.storage.projects import project_of
from tests.server.conftest import Server
from tests.server.ingest.conftest import sender_of


async def titles(server: Server, count: int) -> list[str]:
    async with asyncio.timeout(10):
        while True:
            async with server.house.db.read() as tx:
                rows = await tx.all("SELECT title FROM issues ORDER BY id")
            if len(rows) >= count:
                return [row["title"] for row in rows]
            await asyncio.sleep(0.02)


def fail(secret: str) -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        logging.getLogger("bugwatch.test").exception("It broke")


async def test_what_is_logged_with_a_traceback_is_an_issue_of_its_own_project(server: Server) -> None:
    await sender_of(server)
    fail("hunter2")

    assert await titles(server, 1) == ["RuntimeError: outer"]
    async with server.house.db.read() as tx:
        row = await tx.one("SELECT * FROM projects WHERE slug = 'bugwatch-itself'")
        event_id = await tx.value("SELECT event_id FROM events")
    assert row
    project = project_of(row)
    stored = await server.house.events.find(project, bytes(event_id).hex())
    opened = await server.house.events.open(project, stored)
    assert [e.type for e in opened.event.exceptions] == ["KeyError", "RuntimeError"]
    assert opened.event.exceptions[-1].frames[-1].function == "fail"
    assert b"hunter2" not in opened.raw


async def test_before_there_is_an_organization_the_log_alone_has_it(server: Server) -> None:
    fail("hunter2")
    await asyncio.sleep(0.1)

    async with server.house.db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM projects") == 0


async def test_a_storm_is_cut_short(server: Server) -> None:
    await sender_of(server)
    for _ in range(50):
        fail("hunter2")
    await titles(server, 1)
    await server.house.ingest.book()

    async with server.house.db.read() as tx:
        assert await tx.value("SELECT COUNT(*) FROM events") <= 30


async def test_a_report_that_cannot_be_read_is_not_reported_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sender_of(server)
    monkeypatch.setattr(Pipeline, "_make", lambda self, work: 1 / 0)
    fail("hunter2")

    async with asyncio.timeout(10):
        while not server.house.ingest.failed_count:
            await asyncio.sleep(0.02)
            await server.house.ingest.look_around()
    await asyncio.sleep(0.1)  # time for a second one

    async with server.house.db.read() as tx:
        assert (await spool.waiting(tx)).failed_count == 1


async def test_a_report_that_cannot_be_stored_is_not_reported_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(self: Digest, batch: Batch) -> Digested:
        if batch.events:
            raise ValueError("a row that no table takes")
        return await store(self, batch)

    store = Digest.store
    await sender_of(server)
    monkeypatch.setattr(Digest, "store", breaks)
    fail("hunter2")

    async with asyncio.timeout(10):
        while not server.house.ingest.failed_count:
            await asyncio.sleep(0.02)
            await server.house.ingest.look_around()
    await asyncio.sleep(0.2)  # time for a second one

    async with server.house.db.read() as tx:
        assert (await spool.waiting(tx)).failed_count == 1


async def test_words_that_are_no_text_are_reported_as_well(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a test logs travels between the test processes, which such words do not survive.
    monkeypatch.setattr(logging.getLogger("bugwatch"), "propagate", False)
    await sender_of(server)
    try:
        raise ValueError("from a header: \udcff")
    except ValueError:
        logging.getLogger("bugwatch.test").exception("It broke")

    assert await titles(server, 1) == ["ValueError: from a header: ?"]


async def test_the_reporter_outlives_a_report_that_fails(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await sender_of(server)
    tried = asyncio.Event()

    async def gone(self: OwnErrors) -> None:
        tried.set()
        raise ConnectionRefusedError("nobody listens there")

    with monkeypatch.context() as patched:
        patched.setattr(OwnErrors, "_access", gone)
        fail("hunter2")
        async with asyncio.timeout(10):
            await tried.wait()
    fail("hunter2")

    assert await titles(server, 1) == ["RuntimeError: outer"]


async def test_a_record_that_cannot_be_spelled_out_harms_nobody(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ValueError("x")
    record = logging.LogRecord("bugwatch.test", logging.ERROR, "", 1, "%d items", ("many",), (type(error), error, None))

    server.house.own_errors.handle(record)

    assert "Logging error" in capsys.readouterr().err
