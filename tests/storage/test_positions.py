"""What maps said is remembered exactly, by map and place."""

from __future__ import annotations

import asyncio
from functools import partial

from bugwatch.domain.symbolication import Position, Verdict
from bugwatch.storage import positions
from bugwatch.storage.database import Database
from bugwatch.storage.positions import Found, MapKey, SourceMap, Spot
from tests import make

ONE: MapKey = (b"m" * 32, b"c" * 32)
CRASH = Position("src/cart.ts", 15, 22, "priceOf", "  return 1;", ("a", ""), ("b",))
NAMELESS = Position("src/é\N{SNOWMAN}.ts", 1, 1, "", None)


async def remember(db: Database, key: MapKey, found: Found, verdict: Verdict | None = None) -> SourceMap:
    await db.write(lambda tx: positions.remember(tx, key, verdict, found))
    async with db.read() as tx:
        return (await positions.tried(tx, [key]))[key]


async def known(db: Database, map_id: int, *spots: Spot) -> Found:
    async with db.read() as tx:
        return await positions.known(tx, map_id, spots)


async def test_what_a_map_said_is_known_again_also_that_it_said_nothing(db: Database) -> None:
    found: Found = {(1, 135): CRASH, (1, 7): NAMELESS, (2, 7): None}
    map_ = await remember(db, ONE, found)

    assert map_.verdict is None
    assert await known(db, map_.id, (1, 7), (1, 135), (2, 7), (2, 8), (3, 7)) == found
    assert await known(db, map_.id + 1, (1, 135)) == {}


async def test_a_map_is_one_with_its_code(db: Database) -> None:
    alone: MapKey = (ONE[0], b"")
    first = await remember(db, ONE, {(1, 1): CRASH})
    second = await remember(db, alone, {}, Verdict.MAP_BROKEN)

    assert first.id != second.id
    assert second.verdict is Verdict.MAP_BROKEN
    async with db.read() as tx:
        assert set(await positions.tried(tx, [ONE, alone, (b"x" * 32, b"")])) == {ONE, alone}
        assert await positions.tried(tx, []) == {}


async def test_two_that_resolve_the_same_at_once_agree(db: Database) -> None:
    await asyncio.gather(*(remember(db, ONE, {(1, n): CRASH for n in range(k, k + 9)}) for k in (1, 4, 7)))

    async with db.read() as tx:
        [row] = await tx.all("SELECT id FROM source_maps")
    assert len(await known(db, row["id"], *((1, n) for n in range(30)))) == 15


async def test_only_maps_whose_artifacts_are_gone_are_forgotten_in_slices(db: Database) -> None:
    shop = await make.project(db)
    kept = make.artifact(0, b"kept")
    await make.bundle(db, shop, files=[kept])
    here = await remember(db, (kept.sha256, b""), {(1, 1): CRASH})
    inline = await remember(db, (b"", kept.sha256), {(1, 1): CRASH})
    gone = await remember(db, ONE, {(1, n): CRASH for n in range(5)})

    forget = partial(positions.forget_some, limit=2)
    assert [await db.write(forget) for _ in range(4)] == [True, True, True, False]
    assert [bool(await known(db, map_.id, (1, 1))) for map_ in (here, inline, gone)] == [True, True, False]
    async with db.read() as tx:
        assert not await positions.tried(tx, [ONE])
