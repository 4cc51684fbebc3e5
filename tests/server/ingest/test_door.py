"""Senders that are slow, lie or go away: they harm themselves only."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

import pytest
from sanic import Sanic
from sanic.exceptions import ServiceUnavailable

from bugwatch.protocol.encoding import ByteBudget
from bugwatch.server.ingest import request
from bugwatch.services.ingest import Ingest
from tests.server.ingest.conftest import Sender, envelope, error


def budget() -> ByteBudget:
    return cast("ByteBudget", Sanic.get_app("bugwatch").ctx.ingest_budget)


@asynccontextmanager
async def connection(sender: Sender) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    place = urlsplit(sender.server.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    yield reader, writer
    writer.close()


def head(sender: Sender, length: int, *more: str) -> bytes:
    lines = [f"POST {sender.path} HTTP/1.1", "Host: here", f"Content-Length: {length}", *more]
    lines += [f"{name}: {value}" for name, value in sender.auth.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_a_bomb_that_waits_for_its_end_takes_no_room_from_others(sender: Sender) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with connection(sender) as (_, writer):
        writer.write(head(sender, len(bomb), "Content-Encoding: gzip") + bomb[:-8])
        await writer.drain()
        async with asyncio.timeout(10):
            while True:
                if budget().in_use >= len(bomb) - 8:
                    break
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

        assert budget().in_use < 2 * len(bomb)


async def test_a_body_that_trickles_in_is_not_waited_for_for_ever(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "BODY_S", 0.3)
    async with connection(sender) as (reader, writer), asyncio.timeout(10):
        writer.write(head(sender, 1_000))
        trickling = asyncio.create_task(_trickle(writer))
        status = await reader.readline()
        trickling.cancel()

    assert status.split()[1] == b"408"
    assert budget().in_use == 0


async def _trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("size", [1_000, 3_000_000])
async def test_what_expands_far_is_read_all_the_same(sender: Sender, size: int) -> None:
    body = zlib.compress(envelope(("event", error(value="x" * 500)), ("attachment", b"a" * size)))
    response = await sender.post(body, headers={**sender.auth, "Content-Encoding": "deflate"})

    assert response.status_code == 200
    [file] = await sender.rows("SELECT size FROM attachments")
    assert file["size"] == size
    assert budget().in_use == 0


async def test_who_goes_away_is_no_error_of_ours(sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    async with connection(sender) as (_, writer):
        writer.write(head(sender, 1_000) + b"half an envelope")
        await writer.drain()
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    assert (await sender.event()).status_code == 200

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    await sender.server.house.ingest.book()
    assert await sender.rows("SELECT * FROM refusals") == []


async def test_a_request_that_takes_too_long_is_told_to_come_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(self: Ingest, *given: object) -> None:
        raise ServiceUnavailable("Response Timeout")  # what Sanic throws into the handler

    monkeypatch.setattr(Ingest, "take", late)
    response = await sender.event()

    assert response.status_code == 429
    assert response.headers["X-Sentry-Rate-Limits"]


async def test_bytes_that_are_no_text_in_a_header_are_answered_all_the_same(sender: Sender) -> None:
    response = await sender.post(
        b"{}",
        path=f"/api/{sender.project_id}/security/?sentry_key={sender.key}",
        headers={b"Content-Type": b"text/\xff\xfe"},
    )

    assert response.status_code == 415
    assert response.json()["code"] == "unknown_encoding"
