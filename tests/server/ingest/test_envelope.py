"""What SDKs send, and what they are answered (CONTRACT, ingestion answers)."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import brotli
import pytest
import zstandard

from bugwatch.domain.clock import MINUTE
from bugwatch.domain.event import Event, User
from bugwatch.domain.outcome import Category
from tests.conftest import FakeClock
from tests.server.ingest.conftest import Sender, envelope, error, sender_of


async def test_an_event_is_answered_with_its_id_and_is_an_issue(sender: Sender) -> None:
    event = error("KeyError", "'id'")
    response = await sender.event(event)

    assert (response.status_code, response.json()) == (200, {"id": event["event_id"]})
    [issue] = await sender.rows("SELECT title, event_count FROM issues")
    assert (issue["title"], issue["event_count"]) == ("KeyError: 'id'", 1)
    assert await sender.totals() == {"received": 1, "stored": 1}


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("identity", bytes),
        ("", bytes),
        ("UTF-8", bytes),
    ],
)
async def test_every_encoding_is_read(sender: Sender, encoding: str, compress) -> None:  # type: ignore[no-untyped-def]
    response = await sender.post(
        compress(envelope(("event", error()))), headers={**sender.auth, "Content-Encoding": encoding}
    )

    assert response.status_code == 200
    assert await sender.totals() == {"received": 1, "stored": 1}


async def test_every_way_to_name_the_key_is_known(sender: Sender) -> None:
    body = envelope(("event", error()))
    dsn = f"http://{sender.key}@elsewhere.example/{sender.project_id}"
    ways = [
        await sender.post(body, headers=sender.auth),
        await sender.post(body, headers={"Authorization": f"Sentry sentry_key={sender.key}"}),
        await sender.post(body, headers={}, path=f"{sender.path}?sentry_key={sender.key}&sentry_version=7"),
        await sender.post(envelope(("event", error()), header={"dsn": dsn}), headers={}),
        await sender.post(body, headers={}, path=f"/api//{sender.project_id}//envelope?sentry_key={sender.key}"),
    ]

    assert [way.status_code for way in ways] == [200] * 5


async def test_chunked_bodies_without_a_content_type_are_read(sender: Sender) -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        for byte in envelope(("event", error()), has_length=False):
            yield bytes([byte])

    response = await sender.server.http.post(sender.path, content=pieces(), headers=sender.auth)

    assert response.status_code == 200


async def test_who_sends_twice_is_told_the_same_and_counts_once(sender: Sender) -> None:
    event = error()
    answers = await asyncio.gather(*(sender.event(event) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["id"] for answer in answers} == {event["event_id"]}
    assert await sender.totals() == {"received": 8, "stored": 1, "duplicate": 7}
    [issue] = await sender.rows("SELECT event_count FROM issues")
    assert issue["event_count"] == 1


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, b"not json\n", {}),
        (400, b"", {}),
        (400, b"\x1f\x8b garbage", {"Content-Encoding": "gzip"}),
        (400, gzip.compress(b"{}\n" * 50, mtime=0)[:-9], {"Content-Encoding": "gzip"}),
        (415, b"{}", {"Content-Encoding": "lzma"}),
        (413, gzip.compress(b"{}\n" + b"\n" * 110_000_000, mtime=0), {"Content-Encoding": "gzip"}),
        (413, b"x" * 21_000_000, {}),
    ],
)
async def test_what_cannot_be_read_gets_a_clear_sentence(
    sender: Sender, status: int, body: bytes, headers: dict[str, str]
) -> None:
    response = await sender.post(body, headers={**sender.auth, **headers})

    assert response.status_code == status
    assert response.json()["detail"].endswith(".")
    assert response.headers["access-control-allow-origin"] == "*"


async def test_wrong_keys_are_refused_with_the_dsn_as_understood(sender: Sender) -> None:
    other = await sender_of(sender.server, "Other")
    body = envelope(("event", error()))
    nobody = await sender.post(body, headers={})
    unknown = await sender.post(body, headers={"X-Sentry-Auth": "Sentry sentry_key=" + "0" * 32})
    foreign = await sender.post(body, headers=other.auth)

    assert [r.status_code for r in (nobody, unknown, foreign)] == [401, 401, 403]
    assert f"/{sender.project_id}" in foreign.json()["detail"]
    assert await sender.totals() == {}


async def test_a_malformed_item_is_counted_and_the_others_live(sender: Sender) -> None:
    body = envelope(("attachment", b"hello"), ("event", b"{broken"), header={"event_id": "a" * 32})
    response = await sender.post(body)

    assert response.status_code == 200
    assert await sender.totals() == {"received": 1, "invalid": 1}
    assert await sender.totals(Category.ATTACHMENT) == {"received": 1, "stored": 1}


async def test_an_item_that_is_too_large_is_counted_and_the_answer_is_good(sender: Sender) -> None:
    response = await sender.event(error(value="x" * 1_100_000))

    assert response.status_code == 200
    assert await sender.totals() == {"received": 1, "invalid": 1}


async def test_what_is_not_served_yet_is_switched_off_and_counted(sender: Sender) -> None:
    response = await sender.post(envelope(("transaction", {"type": "transaction"}), ("mystery", b"?")))

    assert response.status_code == 200
    assert response.headers["x-sentry-rate-limits"] == "3600:transaction:project:unsupported"
    assert await sender.totals(Category.TRANSACTION) == {"received": 1, "filtered": 1}
    assert await sender.totals(Category.DEFAULT) == {"received": 1, "filtered": 1}


async def test_over_the_limit_is_a_429_for_just_that_category(start, clock: FakeClock) -> None:  # type: ignore[no-untyped-def]
    sender: Sender = await start(rate_limit=3)
    answers = [await sender.event() for _ in range(5)]
    session = await sender.post(envelope(("session", {"sid": "a" * 32, "status": "ok"})))

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    limited = answers[-1].headers
    assert limited["retry-after"] == "20"
    assert limited["x-sentry-rate-limits"] == "20:error:project:rate_limit"
    assert session.status_code == 200
    clock.now += MINUTE
    assert (await sender.event()).status_code == 200
    await sender.server.house.ingest.book()
    assert await sender.totals() == {"received": 6, "stored": 4, "limited": 2}


async def test_feedback_in_both_shapes_is_kept_and_makes_no_issue(sender: Sender) -> None:
    await sender.post(envelope(("feedback", {"event_id": "b" * 32, "contexts": {"feedback": {"message": "hm"}}})))
    await sender.event({"event_id": "c" * 32, "type": "feedback", "contexts": {"feedback": {"message": "hm"}}})
    await sender.post(envelope(("user_report", {"event_id": "d" * 32, "comments": "hm"})))

    assert await sender.totals(Category.FEEDBACK) == {"received": 3, "stored": 3}
    assert await sender.rows("SELECT * FROM issues") == []


async def test_a_client_report_stands_beside_the_sum(sender: Sender) -> None:
    report = {"timestamp": 1, "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 7}]}
    response = await sender.post(envelope(("client_report", report)))
    await sender.server.house.ingest.book()

    assert (response.status_code, response.json()) == (200, {})
    assert await sender.totals() == {"reported": 7}


async def test_a_browser_that_asks_first_is_let_in(sender: Sender) -> None:
    response = await sender.server.http.options(
        sender.path, headers={"Origin": "https://shop.example", "Access-Control-Request-Headers": "x-custom"}
    )

    assert response.status_code == 204
    assert response.headers["access-control-allow-headers"] == "x-custom"
    assert response.headers["access-control-allow-origin"] == "*"


async def test_secrets_never_reach_the_disk(sender: Sender) -> None:
    secret = "hunter2-very-secret"
    await sender.event(
        error(
            extra={"environ": {"DB_PASSWORD": secret}},
            request={"headers": {"Authorization": f"Bearer {secret}", "Cookie": f"sid={secret}"}},
        )
    )

    found = await sender.server.house.projects.by_public_key(sender.key)
    assert found
    [row] = await sender.rows("SELECT event_id FROM events")
    stored = await sender.server.house.events.find(found.project, bytes(row["event_id"]).hex())
    opened = await sender.server.house.events.open(found.project, stored)
    assert secret not in opened.raw.decode()
    assert opened.raw.decode().count("[Filtered]") >= 3


async def read_back(sender: Sender) -> Event:
    """The only event, as pages and the API read it."""
    found = await sender.server.house.projects.by_public_key(sender.key)
    assert found
    [row] = await sender.rows("SELECT event_id FROM events")
    stored = await sender.server.house.events.find(found.project, bytes(row["event_id"]).hex())
    return (await sender.server.house.events.open(found.project, stored)).event


@pytest.mark.parametrize(
    ("more", "user"),
    [
        ({"sdk": {"settings": {"infer_ip": "auto"}}}, User(ip_address="127.0.0.1")),
        ({"user": {"id": 7, "ip_address": "{{auto}}"}}, User(id="7", ip_address="127.0.0.1")),
        ({"sentry.interfaces.User": {"id": 7, "ip_address": "{{auto}}"}}, User(id="7", ip_address="127.0.0.1")),
        ({"user": {"id": 7}}, User(id="7")),
        ({"platform": "javascript", "sdk": {"settings": {"infer_ip": "never"}}}, None),
    ],
)
async def test_the_address_that_an_sdk_leaves_to_us_is_kept(
    sender: Sender, more: dict[str, object], user: User | None
) -> None:
    await sender.event(error(**more))

    assert (await read_back(sender)).user == user


async def test_whose_code_a_frame_is_is_told_where_the_sdk_left_it_open(sender: Sender) -> None:
    modules = ["org.springframework.web.Dispatcher", "com.shop.Cart", "io.sentry.Sentry"]
    frames = [{"module": module, "function": "call"} for module in modules]
    await sender.event(
        {"platform": "java", "exception": [{"type": "E", "value": "v", "stacktrace": {"frames": frames}}]}
    )

    (exception,) = (await read_back(sender)).exceptions
    assert [frame.in_app for frame in exception.frames] == [False, True, False]


async def test_a_path_that_nobody_serves_is_a_404_and_not_a_redirect(sender: Sender) -> None:
    response = await sender.post(b"{}", path=f"/api/{sender.project_id}/unreal/x/")

    assert response.status_code == 404
    assert json.loads(response.content)["detail"]
