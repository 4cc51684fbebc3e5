"""From an item's bytes to what is stored of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bugwatch.domain.batch import Arrival, NewAttachment, NewEvent, NewRawItem
from bugwatch.domain.errors import Rejected
from bugwatch.domain.outcome import Category, Outcome
from bugwatch.domain.project import Project
from bugwatch.services.compression import Compression
from bugwatch.services.pipeline import Pipeline, Work
from bugwatch.storage.database import Database
from tests import make
from tests.conftest import NOON

SHOP = Project(1, 1, "shop", "Shop", "python", None, (), (), NOON)


@pytest.fixture
def pipeline(db: Database) -> Pipeline:
    return Pipeline(b"k" * 32, Compression(db))


def event(**body: object) -> bytes:
    return json.dumps({"exception": {"values": [{"type": "ValueError", "value": "bad"}]}, **body}).encode()


def through(pipeline: Pipeline, *arrivals: Arrival, project: Project = SHOP) -> list[Work]:
    works = [Work(arrival, project) for arrival in arrivals]
    pipeline.read(works)
    pipeline.finish(works)
    return works


def run(pipeline: Pipeline, payload: bytes, **given: object) -> NewEvent:
    [work] = through(pipeline, make.arrival(1, NOON, payload=payload, **given))
    assert isinstance(work.new, NewEvent)
    return work.new


async def test_an_event_is_scrubbed_grouped_and_indexed(pipeline: Pipeline) -> None:
    made = run(
        pipeline,
        event(release="1.0", environment="staging", level="fatal", user={"id": 7}, extra={"password": "hunter2"}),
    )

    assert (made.title, made.title_type, made.environment, made.release) == (
        "ValueError: bad",
        "ValueError",
        "staging",
        "1.0",
    )
    assert made.level_number == 4
    assert made.user_label == "7"
    assert {"environment", "release"} <= {key for key, _ in made.tags}


@pytest.mark.parametrize(
    ("item_type", "category", "payload"),
    [
        ("sessions", Category.SESSION, b'{"attrs":{"release":"1"},"aggregates":[{"started":"2026-09-21","exited":1}]}'),
        ("check_in", Category.MONITOR, b'{"monitor_slug":"nightly","status":"ok"}'),
    ],
)
async def test_two_servers_that_say_the_same_in_the_same_minute_are_both_heard(
    pipeline: Pipeline, item_type: str, category: Category, payload: bytes
) -> None:
    keys = set()
    for _ in range(2):
        arrival = make.arrival(1, NOON, payload=payload, item_type=item_type, category=category, event_id="")
        [work] = through(pipeline, arrival)
        assert isinstance(work.new, NewRawItem)
        keys.add(work.new.key)

    assert len(keys) == 2


async def test_the_title_is_made_of_what_was_scrubbed(pipeline: Pipeline) -> None:
    made = run(pipeline, json.dumps({"message": "login failed for postgres://bob:hunter2@db/x"}).encode())

    assert "hunter2" not in made.title


async def test_a_project_adds_names_of_its_own_and_takes_some_back(pipeline: Pipeline) -> None:
    body = event(extra={"shoe_size": "44", "csrf_token": "abc"})
    ours = replace(SHOP, scrub_keys=("shoe_size",), safe_keys=("csrf_token",))

    assert b"44" in pipeline.scrubbed(body, SHOP)
    assert b'"44"' not in pipeline.scrubbed(body, ours)
    assert b"abc" not in pipeline.scrubbed(body, SHOP)
    assert b"abc" in pipeline.scrubbed(body, ours)


async def test_users_are_told_apart_by_project(pipeline: Pipeline) -> None:
    here = run(pipeline, event(user={"id": "7"}))
    [work] = through(pipeline, make.arrival(2, NOON, payload=event(user={"id": "7"})))

    assert isinstance(work.new, NewEvent)
    assert here.user_id is not None
    assert here.user_id != work.new.user_id
    assert here.user_id == run(pipeline, event(user={"id": "7"})).user_id
    assert run(pipeline, event()).user_id is None


@pytest.mark.parametrize("payload", [b"", b"[]", b"7", b"{", b"\xff", b'"password"'])
async def test_what_is_no_object_is_invalid(pipeline: Pipeline, payload: bytes) -> None:
    [work] = through(pipeline, make.arrival(1, NOON, payload=payload))

    assert isinstance(work.error, Rejected)
    assert (work.error.outcome, work.error.reason) == (Outcome.INVALID, "malformed")
    assert work.new is None


async def test_a_transaction_in_the_place_of_an_event_is_not_served(pipeline: Pipeline) -> None:
    [work] = through(pipeline, make.arrival(1, NOON, payload=b'{"type": "transaction"}'))

    assert isinstance(work.error, Rejected)
    assert work.error.outcome is Outcome.FILTERED


async def test_what_is_wrong_with_one_item_does_not_concern_the_others(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = Compression.compress

    def breaks(self: Compression, project_id: int, data: bytes) -> tuple[int, bytes]:
        if b"poison" in data:
            raise KeyError("a bug of ours")
        return compress(self, project_id, data)

    monkeypatch.setattr(Compression, "compress", breaks)
    bodies = (event(), b"{nope", event(extra={"drink": "poison"}), event(message="last"))
    works = through(pipeline, *(make.arrival(1, NOON, payload=body) for body in bodies))

    assert [type(work.error) for work in works] == [type(None), Rejected, KeyError, type(None)]
    assert [work.new is not None for work in works] == [True, False, False, True]


async def test_attachments_are_taken_as_they_are_and_feedback_without_its_secrets(pipeline: Pipeline) -> None:
    attachment = make.arrival(1, NOON, category=Category.ATTACHMENT, payload=b"\x00\xffpassword=x")
    feedback = make.arrival(
        1, NOON, category=Category.FEEDBACK, item_type="feedback", payload=b'{"contexts": {"token": "s3cr3t-value"}}'
    )
    file, kept = (work.new for work in through(pipeline, attachment, feedback))

    assert isinstance(file, NewAttachment)
    assert file.arrival.payload == b"\x00\xffpassword=x"
    assert isinstance(kept, NewRawItem)
    assert b"s3cr3t" not in kept.arrival.payload
