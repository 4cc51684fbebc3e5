"""The harness of `make bench` measures what it says: its events are real and distinct, its verdict can fail."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import brotli
import msgspec
import pytest

from bugwatch.domain.fingerprint import group
from bugwatch.protocol import envelope
from bugwatch.protocol.event_payload import skim
from tests.bench.__main__ import judge
from tests.bench.ceiling import YES, yes_server
from tests.bench.corpus import ALL_SDKS, Mix, envelopes, made, payloads
from tests.bench.figures import Book, Calibration, Column, Kind, Machine, Table, percentile, verdicts
from tests.bench.load import Load, Pace, answer_of, blast
from tests.bench.stages import steps

MACHINE = Machine("a processor", 2, "3.11")
USUAL = Calibration(wait=100, cpu=100)


# --- the load ---


@pytest.mark.parametrize("app", ALL_SDKS)
def test_the_events_of_each_sdk_are_as_large_as_real_ones(app: str) -> None:
    for _event_id, payload in payloads(3, Mix((app,))):
        assert 6_000 < len(payload) < 20_000


def test_the_usual_event_has_the_size_that_the_targets_speak_of() -> None:
    (body,) = envelopes(1)

    assert 12_000 < len(zlib.decompress(body, wbits=31)) < 15_000
    assert 4_000 < len(body) < 4_600


@pytest.mark.parametrize("groups", [5, 50])
def test_a_mix_has_as_many_issues_as_it_says(groups: int) -> None:
    events = [skim(payload, received_at=1) for _event_id, payload in payloads(2 * groups, Mix(ALL_SDKS, groups))]

    seen = Counter(group(event).hash for event in events)

    assert set(seen.values()) == {2}
    assert len(seen) == groups


def test_no_two_events_are_the_same() -> None:
    sent = [envelope.parse(zlib.decompress(body, wbits=31)) for body in made(2_100)]

    assert len({one.header.event_id for one in sent}) == 2_100
    assert len({one.items[0].payload for one in sent}) == 2_100


def test_what_is_sent_with_brotli_is_brotli() -> None:
    (body,) = envelopes(1, Mix(encoding="br"))

    assert envelope.parse(brotli.decompress(body)).items[0].type == "event"


# --- the client ---


@pytest.mark.parametrize("length", range(len(YES)))
def test_an_answer_is_not_read_before_all_of_it_is_there(length: int) -> None:
    assert answer_of(YES[:length]) is None


def test_an_answer_tells_its_status_and_whether_the_connection_stays() -> None:
    answer = answer_of(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nConnection: close\r\n\r\n")

    assert answer
    assert (answer.status, answer.is_last) == (429, True)


@pytest.mark.parametrize("is_split", [False, True])
async def test_every_body_is_sent_once_and_every_answer_is_counted(is_split: bool) -> None:
    with yes_server() as port:
        load = await blast(port, "/", [b"a body"] * 100, connections=8, seconds=10, is_split=is_split)

    assert load.answers == {200: 100}
    assert len(load.latencies) == 100


async def test_a_connection_that_breaks_is_counted_and_the_rest_goes_on() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(slam, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        load = await blast(port, "/", [b""] * 5, connections=2, seconds=10)

    assert load.answers == {0: 5}


async def test_a_pace_is_kept() -> None:
    with yes_server() as port:
        load = await blast(port, "/", [b"a body"] * 1_000, connections=8, seconds=0.3, pace=Pace(200))

    assert 40 <= load.answers[200] <= 61


def test_a_burst_is_due_at_once() -> None:
    assert list(islice(Pace(rate=10, burst=2).due(), 5)) == [0, 0, 0.2, 0.2, 0.4]


def test_loads_that_ran_side_by_side_are_one() -> None:
    one, other = Load([0.1], Counter({200: 1}), 2, 1), Load([0.3], Counter({200: 1, 429: 1}), 3, 1)

    assert Load.of([one, other]) == Load([0.1, 0.3], Counter({200: 2, 429: 1}), 3, 1)


# --- the figures ---


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 2), (0.75, 3), (0.76, 4), (1, 4)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert percentile([4, 1, 3, 2], share) == value


def test_of_nothing_every_percentile_is_zero() -> None:
    assert percentile([], 0.99) == 0


def measured(kind: Kind, values: list[float], calibrations: list[Calibration] | None = None) -> Book:
    book = Book(MACHINE, {})
    table = Table("ingest", (Column("figure", kind),), book)
    for value, calibration in zip(values, calibrations or [USUAL] * len(values), strict=True):
        table.add("source", (value,), calibration)
    return book


@pytest.mark.parametrize(
    ("kind", "worse"), [(Kind.RATE, 700), (Kind.SHARE, 700), (Kind.WAIT, 1400), (Kind.CPU, 1400), (Kind.SIZE, 1400)]
)
def test_what_became_clearly_worse_is_a_regression(kind: Kind, worse: float) -> None:
    before, now = measured(kind, [1000, 1010, 990]), measured(kind, [worse, worse, worse])

    assert [verdict.is_regression for verdict in verdicts(now, before)] == [True]
    assert [verdict.is_progress for verdict in verdicts(before, now)] == [True]


def test_a_slow_machine_is_no_regression() -> None:
    slow = Calibration(wait=200, cpu=200)

    (rate,) = verdicts(measured(Kind.RATE, [500] * 3, [slow] * 3), measured(Kind.RATE, [1000] * 3))
    (time,) = verdicts(measured(Kind.CPU, [500] * 3, [slow] * 3), measured(Kind.CPU, [250] * 3))

    assert rate.change == time.change == 0


def test_a_figure_may_vary_as_much_as_its_rounds_do() -> None:
    steady, noisy = measured(Kind.RATE, [1000, 1000, 1000]), measured(Kind.RATE, [800, 1200, 1000])
    now = measured(Kind.RATE, [750, 750, 750])

    assert [verdict.is_regression for verdict in verdicts(now, steady)] == [True]
    assert [verdict.is_regression for verdict in verdicts(now, noisy)] == [False]


def test_what_was_measured_too_seldom_is_not_judged() -> None:
    assert verdicts(measured(Kind.RATE, [1, 1]), measured(Kind.RATE, [1000, 1000, 1000])) == []
    assert verdicts(measured(Kind.NOTE, [1, 1, 1]), measured(Kind.NOTE, [1000, 1000, 1000])) == []


def test_a_book_reads_back_what_it_wrote(tmp_path: Path) -> None:
    book = measured(Kind.RATE, [1000, 1010, 990])

    book.write(tmp_path / "book.json")

    assert Book.read(tmp_path / "book.json") == book


def test_a_run_fails_on_a_regression(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    baseline = tmp_path / "baseline.json"
    measured(Kind.RATE, [1000, 1010, 990]).write(baseline)

    assert judge(measured(Kind.RATE, [1000, 1000, 1000]), baseline) == 0
    assert judge(measured(Kind.RATE, [500, 500, 500]), baseline) == 1
    assert "worse   ingest/source/figure: -50%" in capsys.readouterr().out


def test_a_run_on_another_machine_does_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    baseline = tmp_path / "baseline.json"
    book = measured(Kind.RATE, [1000, 1010, 990])
    msgspec.structs.replace(book, machine=Machine("another", 8, "3.11")).write(baseline)

    assert judge(measured(Kind.RATE, [500, 500, 500]), baseline) == 0
    assert "proves nothing" in capsys.readouterr().out


# --- the stages ---


async def test_the_stages_of_ingestion_can_be_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.stages.TRIES", 1)
    monkeypatch.setattr("tests.bench.stages.BATCHES", 2)

    assert all(microseconds >= 0 for microseconds in (await steps()).values())
