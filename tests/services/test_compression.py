"""Payloads come back as they went in, and cost less once a project's events are known."""

from __future__ import annotations

import json
import random

import pytest

from bugwatch.domain.errors import NotFound, Unavailable
from bugwatch.services import compression
from bugwatch.services.compression import Compression
from bugwatch.storage import dictionaries
from bugwatch.storage.database import Database, Tx


def payload(number: int) -> bytes:
    frames = [{"filename": f"app/module_{n}.py", "function": f"handler_{n}", "lineno": n * 7} for n in range(30)]
    noise = "".join(random.Random(number).choices("abcdef0123456789", k=64))
    return json.dumps({"event_id": noise, "number": number, "frames": frames}).encode()


def other_payload(number: int) -> bytes:
    calls = [{"package": f"com.shop.part{n}", "method": f"handle{n * 3}", "line": n * 11} for n in range(40)]
    return json.dumps({"id": number, "noise": random.Random(number).random(), "calls": calls}).encode()


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "SAMPLES", 40)
    monkeypatch.setattr(compression, "DICTIONARY_BYTES", 4_096)


async def test_it_comes_back_as_it_went_in(db: Database) -> None:
    packing = Compression(db)
    dictionary_id, data = packing.compress(1, payload(0))

    assert dictionary_id == 0
    assert await packing.decompress(dictionary_id, data) == payload(0)


@pytest.mark.usefixtures("few_samples")
async def test_a_dictionary_is_learnt_per_project_and_read_after_a_restart(db: Database) -> None:
    packing = Compression(db)
    _, plain = packing.compress(1, payload(0))
    for number in range(1, 45):
        packing.compress(1, payload(number))
    await packing.settled()

    dictionary_id, data = packing.compress(1, payload(99))
    assert dictionary_id > 0
    assert len(data) < len(plain) / 2
    assert packing.compress(2, payload(99))[0] == 0

    reader = Compression(db)
    assert await reader.decompress(dictionary_id, data) == payload(99)
    writer = Compression(db)
    await writer.load()
    assert writer.compress(1, payload(99))[0] == dictionary_id


@pytest.mark.usefixtures("few_samples")
async def test_events_too_alike_to_learn_from_do_no_harm(db: Database) -> None:
    packing = Compression(db)
    for _ in range(100):
        packing.compress(1, b"")
        await packing.settled()

    dictionary_id, data = packing.compress(1, b"")
    assert await packing.decompress(dictionary_id, data) == b""
    assert dictionary_id == 0


@pytest.mark.usefixtures("few_samples")
async def test_another_dictionary_is_learnt_when_events_are_not_what_they_were(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "PROBE_EVERY", 2)
    monkeypatch.setattr(compression, "PROBES", 5)
    packing = Compression(db)
    for number in range(40):
        packing.compress(1, payload(number))
    await packing.settled()
    old_id, old_data = packing.compress(1, payload(99))
    _, misfit = packing.compress(1, other_payload(99))

    for number in range(200):
        packing.compress(1, other_payload(number))
    await packing.settled()

    new_id, data = packing.compress(1, other_payload(99))
    assert new_id > old_id
    assert len(data) < len(misfit) / 2
    assert await packing.decompress(new_id, data) == other_payload(99)
    assert await packing.decompress(old_id, old_data) == payload(99)


@pytest.mark.usefixtures("few_samples")
async def test_where_nothing_repeats_itself_the_first_dictionary_stays(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "PROBE_EVERY", 2)
    monkeypatch.setattr(compression, "PROBES", 5)
    packing = Compression(db)
    for number in range(40):
        packing.compress(1, payload(number))
    await packing.settled()
    first_id, _ = packing.compress(1, payload(99))
    for number in range(300):
        packing.compress(1, random.Random(number).randbytes(2_000))
        await packing.settled()

    assert packing.compress(1, payload(99))[0] == first_id


async def test_a_dictionary_that_is_gone_is_said_so(db: Database) -> None:
    with pytest.raises(NotFound, match="dictionary 7"):
        await Compression(db).decompress(7, b"x")


@pytest.mark.usefixtures("few_samples")
async def test_what_could_not_be_learnt_is_learnt_another_time(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(tx: Tx, project_id: int, data: bytes) -> int:
        raise Unavailable("The disk is full.")

    packing = Compression(db)
    with monkeypatch.context() as patched:
        patched.setattr(dictionaries, "add", full)
        for number in range(41):
            packing.compress(1, payload(number))
        await packing.settled()
    for number in range(41):
        packing.compress(1, payload(number))
    await packing.settled()

    assert packing.compress(1, payload(99))[0] > 0


async def test_many_quiet_projects_keep_no_more_samples_than_there_is_room_for(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "LEARNING_BYTES", 100_000)
    packing = Compression(db)
    for project_id in range(1, 500):
        packing.compress(project_id, payload(project_id))

    assert sum(len(sample) for samples in packing._samples.values() for sample in samples) <= 100_000
    assert 499 in packing._samples
