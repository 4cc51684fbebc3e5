"""What is kept and said of each request."""

from __future__ import annotations

import json
import logging

import pytest

from bugwatch.log import JsonLines
from bugwatch.server import timing
from tests.server.conftest import Server
from tests.server.ingest.conftest import sender_of


def test_a_slow_request_has_one_line_with_its_id(caplog: pytest.LogCaptureFixture) -> None:
    timing.finished("GET", "bugwatch.issues.index", 200, 1.234, "abc")

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "GET issues.index: status 200 after 1234 ms, request abc"
    line = json.loads(JsonLines().format(record))
    assert (line["route"], line["status"], line["ms"], line["request_id"]) == ("issues.index", 200, 1234, "abc")


def test_others_are_told_to_who_debugs(caplog: pytest.LogCaptureFixture) -> None:
    timing.finished("GET", "bugwatch.issues.index", 200, 0.01, "abc")
    assert not caplog.records

    with caplog.at_level(logging.DEBUG):
        timing.finished("GET", "", 404, 0.01, "abc")
    assert caplog.records[0].getMessage() == "GET none: status 404 after 10 ms, request abc"


async def test_both_ways_of_an_envelope_are_told_without_its_key(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    sender = await sender_of(server)

    with caplog.at_level(logging.DEBUG, logger="bugwatch.server.timing"):
        await sender.event()
        await server.http.get(f"/nowhere?sentry_key={sender.key}")

    said = [record.getMessage() for record in caplog.records if record.name == timing.__name__]
    assert [line.partition(" after ")[0] for line in said] == ["POST envelope.post: status 200", "GET none: status 404"]
    assert sender.key not in "".join(said)
