"""Frames show their source where a map was uploaded, and the reason where they do not."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from bugwatch.domain.artifact import ArtifactKind
from bugwatch.domain.clock import DAY
from bugwatch.domain.errors import Unavailable
from bugwatch.domain.ids import Ids
from bugwatch.domain.outcome import Category
from bugwatch.domain.project import Project
from bugwatch.domain.site import Site
from bugwatch.domain.stacktrace import Frame
from bugwatch.domain.symbolication import Position, Verdict
from bugwatch.services import artifact_lookup
from bugwatch.services.artifact_reader import ArtifactReader, Content
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.services.events import Events, Opened
from bugwatch.services.ingest import Ingest, Room
from bugwatch.services.pipeline import Pipeline
from bugwatch.services.projects import Access, Projects
from bugwatch.services.symbolication import Symbolication
from bugwatch.storage import ledger
from bugwatch.storage.database import Database, Row, Topic
from bugwatch.symbolicators.child import Unusable
from bugwatch.symbolicators.javascript import JavaScript
from tests import make
from tests.conftest import FakeClock
from tests.symbolicators.test_javascript import CODE, MAP

APP = "https://shop.example/js/app.js"
ID = "6f4e1e80-1f4a-4c5b-9d31-0000000000a1"
OTHER_ID = "6f4e1e80-1f4a-4c5b-9d31-0000000000a2"
# Where the minified code fails, as Chrome tells it, outermost first.
STACK = [("c", 207), ("r.total", 80), ("o", 135)]
AS_WRITTEN = [
    ("src/main.ts", 6, "checkout"),
    ("src/cart.ts", 9, "Cart.total"),
    ("src/cart.ts", 15, "priceOf"),
]


class InProcess(ArtifactReader):
    """Reads maps without a child; `asked` counts how often, `error` is raised instead."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.error: Exception | None = None
        self.verdict: Verdict | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def resolve(self, kind, key, spots, load):  # type: ignore[no-untyped-def]
        await self.gate.wait()
        self.asked += 1
        if self.error:
            raise self.error
        code, artifact = await load()
        return self.verdict or _looked_up(spots, (code, artifact))


def _looked_up(spots: Sequence[tuple[int, int]], content: Content) -> list[Position | None] | Verdict:
    try:
        lookup = JavaScript().open(*content)
    except Unusable:
        return Verdict.MAP_BROKEN
    return [lookup(*spot) for spot in spots]


def crash(
    *,
    debug_id: str = "",
    release: str = "",
    dist: str = "",
    abs_path: str = APP,
    stack: Sequence[tuple[str, int | None]] = STACK,
    **frame: object,
) -> bytes:
    """The event of a browser in which the minified code failed."""
    frames = [
        {"function": name, "filename": abs_path, "abs_path": abs_path, "lineno": 1, "colno": column, **frame}
        for name, column in stack
    ]
    value = "Cannot read properties of undefined (reading 'cents')"
    body: dict[str, object] = {
        "platform": "javascript",
        "exception": {"values": [{"type": "TypeError", "value": value, "stacktrace": {"frames": frames}}]},
    }
    if debug_id:
        body["debug_meta"] = {"images": [{"type": "sourcemap", "code_file": abs_path, "debug_id": debug_id}]}
    return json.dumps(
        {**body, **({"release": release} if release else {}), **({"dist": dist} if dist else {})}
    ).encode()


@dataclass
class Shop:
    """A project at work. `upload` brings its code and map, `send` an event, `frames` what a page shows of it."""

    db: Database
    clock: FakeClock
    ingest: Ingest
    new_ingest: Callable[[], Ingest]
    symbolication: Symbolication
    reader: InProcess
    events: Events
    access: Access
    sent: list[str] = field(default_factory=list)

    @property
    def project(self) -> Project:
        return self.access.project

    async def upload(
        self, debug_id: str = "", code: bytes = CODE, artifact: bytes = MAP, ref: str = "app.js.map", **given: object
    ) -> None:
        files = [
            make.artifact(
                number, data, kind=kind, debug_id=debug_id, url=url, source_map_ref=ref if number == 0 and data else ""
            )
            for number, (data, kind, url) in enumerate(
                (
                    (code, ArtifactKind.MINIFIED_SOURCE, "~/js/app.js"),
                    (artifact, ArtifactKind.SOURCE_MAP, "~/js/app.js.map"),
                )
            )
            if data
        ]
        projects = given.pop("projects", (self.project.id,))
        await make.bundle(self.db, *projects, files=files, **given)  # type: ignore[arg-type, misc]
        await self.ingest.look_around()

    async def send(self, payload: bytes) -> Opened:
        """As a page shows it, once it is stored."""
        arrival = make.arrival(self.project.id, self.clock.now, payload=payload)
        assert await self.ingest.take(self.access, [arrival]) == []
        async with asyncio.timeout(10):
            await self.ingest.settled()
            while not await self._is_stored(arrival.event_id):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        self.sent.append(arrival.event_id)
        return await self.open(arrival.event_id)

    async def open(self, event_id: str) -> Opened:
        return await self.events.open(self.project, await self.events.find(self.project, event_id))

    async def again(self) -> Opened:
        """The last event, as a page shows it now."""
        return await self.open(self.sent[-1])

    async def counts(self) -> list[int]:
        """Events per issue."""
        return [row["event_count"] for row in await self.rows("SELECT event_count FROM issues ORDER BY id")]

    async def rows(self, sql: str) -> list[Row]:
        async with self.db.read() as tx:
            return list(await tx.all(sql))

    async def _is_stored(self, event_id: str) -> bool:
        sql = "SELECT COUNT(*) FROM events WHERE event_id = :id"
        async with self.db.read() as tx:
            return bool(await tx.value(sql, id=bytes.fromhex(event_id)))


@pytest.fixture
async def shop(db: Database, clock: FakeClock) -> AsyncIterator[Shop]:
    projects = Projects(db, clock, Site("http://localhost"))
    access = await projects.by_api_key((await projects.create("Shop")).api_key)
    assert access
    compression, reader = Compression(db), InProcess()
    symbolication = Symbolication(db, reader)
    pipeline = Pipeline(b"k" * 32, compression)
    room = Room(0, 1_000_000, 0, lambda: 1_000_000)

    def new_ingest() -> Ingest:
        return Ingest(db, clock, pipeline, symbolication, Digest(db, Ids(clock), compression), room)

    events = Events(db, compression, pipeline, symbolication)
    shop = Shop(db, clock, new_ingest(), new_ingest, symbolication, reader, events, access)
    await shop.ingest.start()
    yield shop
    await shop.ingest.stop()
    await symbolication.stop()


def frames(opened: Opened) -> tuple[Frame, ...]:
    return opened.event.exceptions[0].frames


def shown(opened: Opened) -> list[tuple[str, int | None, str]]:
    return [(frame.filename, frame.lineno, frame.function) for frame in frames(opened)]


def verdicts(opened: Opened) -> set[str]:
    return {frame.origin.verdict if frame.origin else "none" for frame in frames(opened)}


# --- found ---


async def test_a_map_is_found_by_debug_id_however_it_is_spelled(shop: Shop) -> None:
    await shop.upload(ID)
    for spelling in (ID, ID.upper(), ID.replace("-", "")):
        opened = await shop.send(crash(debug_id=spelling))
        assert shown(opened) == AS_WRITTEN, spelling

    crashed = frames(opened)[-1]
    assert crashed.context_line == "  return item.price!.cents;"
    assert crashed.origin
    assert (crashed.origin.verdict, crashed.origin.debug_id, crashed.origin.artifact) == (
        "mapped",
        ID,
        "~/js/app.js.map",
    )
    assert crashed.origin.raw
    assert (crashed.origin.raw.function, crashed.origin.raw.colno) == ("o", 135)
    assert json.loads(opened.raw)["exception"]["values"][0]["stacktrace"]["frames"][2]["colno"] == 135


async def test_without_debug_ids_a_map_is_found_by_release_and_url(shop: Shop) -> None:
    for number, (abs_path, ref) in enumerate(
        (
            (APP, "app.js.map"),
            (APP + "?v=17#top", "app.js.map"),
            (APP, "https://maps.example/js/app.js.map"),
            (APP, ""),
            ("app:///js/app.js", "app.js.map"),
            ("/js/app.js", "/js/app.js.map"),
        )
    ):
        await shop.upload(release=f"shop@{number}", ref=ref)
        assert shown(await shop.send(crash(release=f"shop@{number}", abs_path=abs_path))) == AS_WRITTEN, (abs_path, ref)


async def test_the_newest_of_two_uploads_wins_and_a_dist_has_its_own(shop: Shop) -> None:
    renamed = MAP.replace(b"src/main.ts", b"src/shop.ts")
    await shop.upload(release="1.0")
    await shop.send(crash(release="1.0"))
    shop.clock.now += 1_000
    await shop.upload(release="1.0", artifact=renamed)
    await shop.upload(release="1.0", dist="beta", artifact=MAP.replace(b"src/main.ts", b"src/beta.ts"))

    assert shown(await shop.send(crash(release="1.0")))[0][0] == "src/shop.ts"
    assert shown(await shop.send(crash(release="1.0", dist="beta")))[0][0] == "src/beta.ts"


async def test_a_map_in_the_last_line_of_its_code_is_read(shop: Shop) -> None:
    reference = "data:application/json;base64," + base64.b64encode(MAP).decode()
    await shop.upload(ID, code=CODE + f"//# sourceMappingURL={reference}\n".encode(), artifact=b"", ref=reference[:99])

    assert shown(await shop.send(crash(debug_id=ID))) == AS_WRITTEN


async def test_a_source_that_is_not_in_its_map_may_be_uploaded_beside_it(shop: Shop) -> None:
    sources = dict(zip(("cart", "main"), json.loads(MAP)["sourcesContent"], strict=True))
    files = [
        make.artifact(0, MAP.replace(b"sourcesContent", b"x"), debug_id=ID, url="~/js/app.js.map"),
        make.artifact(1, sources["cart"].encode(), kind=ArtifactKind.SOURCE, url="~/src/cart.ts"),
    ]
    await make.bundle(shop.db, shop.project.id, files=files)
    await shop.ingest.look_around()

    crashed = frames(await shop.send(crash(debug_id=ID)))

    assert [frame.origin.verdict for frame in crashed if frame.origin] == ["source_missing", "mapped", "mapped"]
    assert crashed[-1].context_line == "  return item.price!.cents;"
    assert (len(crashed[-1].pre_context), crashed[-1].post_context) == (5, ("}",))


async def test_an_upload_is_noticed_by_the_next_second_and_nothing_is_read_otherwise(shop: Shop) -> None:
    symbolication = Watched(shop.db, InProcess())
    for _ in range(3):
        await symbolication.keep_up()
    assert symbolication.looks == 1
    heard = asyncio.Semaphore(0)
    shop.db.listen(Topic.ARTIFACTS, heard.release)

    await make.bundle(shop.db, shop.project.id, files=[make.artifact(0, MAP, debug_id=ID)])
    for _ in range(2 if shop.db.dialect == "postgres" else 1):  # Postgres tells its own instance as well
        await asyncio.wait_for(heard.acquire(), 10)
    for _ in range(3):
        await symbolication.keep_up()
    assert symbolication.looks == 2


class Watched(Symbolication):
    looks = 0

    async def look(self) -> None:
        self.looks += 1
        await super().look()


# --- not found, and why ---


async def test_a_frame_that_is_not_mapped_says_why(shop: Shop) -> None:
    for number, (upload, event, reason) in enumerate(
        (
            ({}, {}, Verdict.NO_DEBUG_ID),
            ({}, {"release": "2.0"}, Verdict.NO_ARTIFACT),
            ({}, {"debug_id": OTHER_ID}, Verdict.NO_ARTIFACT),
            ({"artifact": b""}, {"debug_id": "own"}, Verdict.NO_MAP),
            ({"artifact": b"{}"}, {"debug_id": "own"}, Verdict.MAP_BROKEN),
            ({}, {"debug_id": "own", "stack": [("a", None)]}, Verdict.NO_POSITION),
            ({}, {"debug_id": "own", "lineno": 77}, Verdict.NO_POSITION),
            ({"artifact": MAP.replace(b"sourcesContent", b"x")}, {"debug_id": "own"}, Verdict.SOURCE_MISSING),
        )
    ):
        own = f"{ID[:-2]}{number:02}"
        await shop.upload(own, release="1.0", **upload)  # type: ignore[arg-type]
        opened = await shop.send(crash(**{**event, **({"debug_id": own} if event.get("debug_id") == "own" else {})}))  # type: ignore[arg-type]
        assert verdicts(opened) == verdicts(await shop.again()) == {reason}, number


async def test_a_map_that_was_uploaded_for_another_project_is_named_and_not_used(shop: Shop) -> None:
    other = await make.project(shop.db, "other", beside=shop.project.id)
    strangers = await make.project(shop.db, "strangers")
    await shop.upload(OTHER_ID, projects=(strangers,))
    await shop.upload(ID, projects=(other,))
    await shop.upload(release="1.0")

    assert verdicts(await shop.send(crash(debug_id=ID))) == {Verdict.OTHER_PROJECT}
    assert verdicts(await shop.send(crash(debug_id=OTHER_ID))) == {Verdict.NO_ARTIFACT}


async def test_code_that_can_be_read_as_it_is_misses_no_map(shop: Shop) -> None:
    opened = await shop.send(crash(context_line="  return item.price.cents;"))
    node = await shop.send(crash(abs_path="node:internal/process/task_queues"))

    assert verdicts(opened) == verdicts(node) == {"none"}


# --- when ---


async def test_events_group_by_what_was_written_whatever_the_build_calls_it(shop: Shop) -> None:
    await shop.upload(ID)
    await shop.upload(OTHER_ID, code=b"/* 2 */\n" + CODE, artifact=MAP.replace(b'"mappings": "', b'"mappings": ";'))

    await shop.send(crash(debug_id=ID))
    await shop.send(crash(debug_id=OTHER_ID, lineno=2, stack=[("x", 207), ("y.b", 80), ("z", 135)]))

    assert await shop.counts() == [2]


async def test_a_place_is_read_once(shop: Shop) -> None:
    await shop.upload(ID)
    for _ in range(3):
        await shop.send(crash(debug_id=ID))
    assert shop.reader.asked == 1

    shop.symbolication._answers._items.clear()  # as after a restart
    assert shown(await shop.send(crash(debug_id=ID))) == AS_WRITTEN
    assert shop.reader.asked == 1

    await shop.send(crash(debug_id=ID, stack=[("c", 150)]))
    assert shop.reader.asked == 2


async def test_the_answer_does_not_wait_for_the_map(shop: Shop) -> None:
    await shop.upload(ID)
    shop.reader.gate.clear()
    arrival = make.arrival(shop.project.id, shop.clock.now, payload=crash(debug_id=ID))

    async with asyncio.timeout(5):
        assert await shop.ingest.take(shop.access, [arrival]) == []
    async with shop.db.read() as tx:
        totals = await ledger.totals(tx, shop.project.id, Category.ERROR)
    assert (totals["received"], totals["stored"], totals["waiting"]) == (1, 0, 1)

    shop.reader.gate.set()
    assert shown(await shop.send(crash(debug_id=ID))) == AS_WRITTEN
    assert await shop.counts() == [2]


async def test_other_events_of_the_spool_do_not_wait_for_a_slow_map(shop: Shop) -> None:
    await shop.upload(ID)
    shop.reader.gate.clear()
    slow, quick = (
        make.arrival(shop.project.id, shop.clock.now, payload=payload)
        for payload in (crash(debug_id=ID), crash(debug_id=OTHER_ID))
    )
    shop.ingest._is_spooling = True
    await shop.ingest.take(shop.access, [slow, quick])

    async with asyncio.timeout(10):
        while await shop.counts() != [1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    shop.reader.gate.set()


@pytest.mark.parametrize("reading", [Unavailable("no child"), Verdict.TOO_LARGE])
async def test_an_event_whose_map_cannot_be_read_is_stored_without(shop: Shop, reading: Exception | Verdict) -> None:
    await shop.upload(ID)
    if isinstance(reading, Verdict):
        shop.reader.verdict = reading
    else:
        shop.reader.error = reading

    opened = await shop.send(crash(debug_id=ID))

    assert verdicts(opened) == {reading if isinstance(reading, Verdict) else Verdict.WAITING}
    shop.reader.error = shop.reader.verdict = None
    shop.clock.now += DAY + 1
    assert shown(await shop.again()) == AS_WRITTEN


async def test_a_map_that_is_removed_while_it_is_read_is_not_called_broken(shop: Shop) -> None:
    await shop.upload(ID)
    await shop.db.write(lambda tx: tx.run("DELETE FROM content_chunks"))

    assert verdicts(await shop.send(crash(debug_id=ID))) == {Verdict.WAITING}
    assert not await shop.rows("SELECT * FROM source_maps")


async def test_what_is_found_changes_with_what_other_projects_upload(shop: Shop) -> None:
    assert verdicts(await shop.send(crash(debug_id=ID))) == {Verdict.NO_ARTIFACT}

    await shop.upload(ID, projects=(await make.project(shop.db, "other", beside=shop.project.id),))

    assert verdicts(await shop.again()) == {Verdict.OTHER_PROJECT}


async def test_a_map_that_comes_late_helps_old_events_and_keeps_the_issue(shop: Shop) -> None:
    before = await shop.send(crash(debug_id=ID))
    assert verdicts(before) == {Verdict.NO_ARTIFACT}
    assert shown(before)[-1][2] == "o"

    await shop.upload(ID)
    late = await shop.again()
    assert shown(late) == AS_WRITTEN
    assert late.leads_here
    await shop.send(crash(debug_id=ID))
    assert await shop.counts() == [2]
    assert (await shop.again()).leads_here
    assert [row["culprit"] for row in await shop.rows("SELECT culprit FROM issues")] == ["src/cart.ts in priceOf"]

    # The hash without maps is coarse: another bug that shared it is another issue from now on.
    await shop.send(crash(debug_id=ID, stack=[("c", 180), ("add", 60)]))
    assert await shop.counts() == [2, 1]


async def test_a_database_that_is_away_for_a_moment_is_not_the_events_fault(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.upload(ID)
    monkeypatch.setattr("bugwatch.services.ingest.WATCH_S", 0.01)
    trouble = iter([Unavailable("a restart"), Unavailable("a restart")])
    find = artifact_lookup.find

    async def failing(*given):  # type: ignore[no-untyped-def]
        if error := next(trouble, None):
            raise error
        return await find(*given)

    monkeypatch.setattr(artifact_lookup, "find", failing)

    assert shown(await shop.send(crash(debug_id=ID))) == AS_WRITTEN
    assert not await shop.rows("SELECT * FROM spool")


async def test_what_waits_for_its_map_is_taken_up_by_the_next_process(shop: Shop) -> None:
    await shop.upload(ID)
    shop.reader.gate.clear()
    arrival = make.arrival(shop.project.id, shop.clock.now, payload=crash(debug_id=ID))
    await shop.ingest.take(shop.access, [arrival])
    await shop.ingest.stop()
    assert await shop.counts() == []

    shop.reader.gate.set()
    shop.ingest = shop.new_ingest()
    await shop.ingest.start()
    assert shown(await shop.send(crash(debug_id=ID))) == AS_WRITTEN
    async with asyncio.timeout(10):
        while await shop.counts() != [2]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_page_shows_what_is_known_when_a_map_takes_long(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bugwatch.services.symbolication.GLANCE_S", 0.01)
    await shop.send(crash(debug_id=ID))
    await shop.upload(ID)
    shop.reader.gate.clear()

    assert verdicts(await shop.again()) == {Verdict.WAITING}
    shop.reader.gate.set()
    monkeypatch.undo()
    assert shown(await shop.again()) == AS_WRITTEN


async def test_what_maps_said_goes_with_them(shop: Shop) -> None:
    await shop.upload(ID)
    await shop.send(crash(debug_id=ID))
    await shop.symbolication.sweep()
    assert len(await shop.rows("SELECT * FROM positions")) == 3

    await shop.db.write(lambda tx: tx.run("DELETE FROM artifacts"))
    await shop.symbolication.sweep()
    assert not await shop.rows("SELECT * FROM positions")
    assert not await shop.rows("SELECT * FROM source_maps")


async def test_made_up_places_fill_no_more_than_their_share(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bugwatch.storage.positions.POSITIONS_PER_MAP", 5)
    await shop.upload(ID)
    for start in (10, 20):
        opened = await shop.send(crash(debug_id=ID, stack=[("a", start + n) for n in range(4)]))
        assert verdicts(opened) == {Verdict.MAPPED}

    assert len(await shop.rows("SELECT * FROM positions")) == 5


async def test_a_project_without_uploads_asks_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unexpected(*_: object) -> None:
        raise AssertionError("It looked for maps.")

    monkeypatch.setattr(shop.symbolication, "known", unexpected)
    await shop.send(crash(debug_id=ID))
    await shop.upload(OTHER_ID, projects=(await make.project(shop.db, "other"),))

    await shop.send(crash(debug_id=ID))
    assert await shop.counts() == [2]
