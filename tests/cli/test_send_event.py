"""The shortest way to see that the whole road works."""

from __future__ import annotations

import json
import sqlite3
from argparse import Namespace
from typing import Any

import httpx
import pytest

from bugwatch.cli.send_event import event_of, send
from bugwatch.domain.errors import DeliveryFailed, Invalid
from bugwatch.protocol import dsn, envelope
from tests.cli.conftest import Operator


def given(**arguments: object) -> Namespace:
    defaults = {"message": "hello", "level": "error", "environment": None, "release": None, "tag": []}
    return Namespace(**{**defaults, **arguments})


def test_an_event_arrives_and_becomes_an_issue(bugwatch: Operator) -> None:
    bugwatch.serve()
    made = bugwatch.json("project", "create", "--name", "Shop")

    by_dsn = bugwatch.json("send-event", "--dsn", made["dsn"], "--message", "by DSN", "--tag", "a=b")
    by_slug = bugwatch.json("send-event", "--project", "shop", "--message", "by slug")
    by_luck = bugwatch.run("send-event")

    assert by_dsn["status"] == by_slug["status"] == 200
    assert by_luck.code == 0, by_luck
    bugwatch.stop()
    with sqlite3.connect(bugwatch.home / "bugwatch.db") as database:
        ids = {row[0].hex() for row in database.execute("SELECT event_id FROM events")}
        titles = {row[0] for row in database.execute("SELECT title FROM issues")}
    database.close()
    assert {by_dsn["event_id"], by_slug["event_id"]} < ids
    assert "TestEvent: by DSN" in titles
    assert bugwatch.run("doctor").code == 0


def test_where_it_cannot_go_it_says_so(bugwatch: Operator) -> None:
    assert "bugwatch project create" in bugwatch.run("send-event").sentence
    bugwatch.json("project", "create", "--name", "Shop")
    bugwatch.json("project", "create", "--name", "Till")

    assert "name one with --project" in bugwatch.run("send-event").sentence
    assert "There is no project “x”" in bugwatch.run("send-event", "--project", "x").sentence
    assert "Is it running?" in bugwatch.run("send-event", "--project", "shop").sentence
    assert "This is no DSN" in bugwatch.run("send-event", "--dsn", "shop").sentence
    assert "key=value" in bugwatch.run("send-event", "--project", "shop", "--tag", "=x").sentence


async def test_what_is_sent_is_an_envelope_as_sdks_send_it() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "x"})

    where = dsn.parse(f"https://{'ab' * 16}@bugs.example.com/base/7")
    event = event_of(given(tag=["a=b", "c=d=e"], release="1.0"))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await send(http, where, event)

    [request] = seen
    assert str(request.url) == "https://bugs.example.com/base/api/7/envelope/"
    assert f"sentry_key={'ab' * 16}" in request.headers["X-Sentry-Auth"]
    read = envelope.parse(request.content)
    assert read.header.event_id == event["event_id"]
    assert not read.losses
    sent: dict[str, Any] = json.loads(read.items[0].payload)
    assert sent["tags"] == {"a": "b", "c": "d=e"}
    assert "environment" not in sent


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(403, json={"detail": "This project is gone."}), "(403): This project is gone."),
        (httpx.Response(502, text="<html>Bad gateway"), "(502): <html>Bad gateway"),
        (httpx.Response(500), "without a reason"),
        (httpx.Response(200 + 104, json=[1]), "(304)"),
    ],
)
async def test_a_refusal_is_told_with_its_reason(response: httpx.Response, words: str) -> None:
    where = dsn.parse(f"http://{'ab' * 16}@localhost/1")
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response)) as http:
        with pytest.raises(DeliveryFailed) as error:
            await send(http, where, event_of(given()))

    assert words in str(error.value)


def test_a_tag_without_a_name_is_refused() -> None:
    with pytest.raises(Invalid, match="key=value"):
        event_of(given(tag=["=x"]))
