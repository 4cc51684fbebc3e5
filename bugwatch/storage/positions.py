"""What source maps said: each position that an event needed is resolved once and remembered, as long as its map is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import zstandard

from bugwatch.domain.symbolication import Position, Verdict
from bugwatch.storage.database import Reader, Tx

# Real apps crash in some hundred places. Whoever sends made-up positions fills no more than this, a map.
POSITIONS_PER_MAP = 20_000

Spot = tuple[int, int]  # line and column in the minified file, from 1
MapKey = tuple[bytes, bytes]  # sha256 of the map and of the minified file, each empty if there is none
Found = Mapping[Spot, Position | None]

_Packed = tuple[str, int, int, str, str | None, tuple[str, ...], tuple[str, ...]]
_decode = msgspec.msgpack.Decoder(_Packed).decode


@dataclass(frozen=True, slots=True)
class SourceMap:
    """A map that was tried. `verdict` says why it is of no use; None: it is."""

    id: int
    verdict: Verdict | None
    tried_at: int


async def tried(tx: Reader, keys: Sequence[MapKey]) -> dict[MapKey, SourceMap]:
    """Those of these maps that were tried before."""
    rows = await tx.among(
        "SELECT * FROM source_maps WHERE map_sha256 IN :keys", sorted({map_sha256 for map_sha256, _ in keys})
    )
    return {
        key: SourceMap(row["id"], Verdict(row["verdict"]) if row["verdict"] else None, row["tried_at"])
        for row in rows
        if (key := (bytes(row["map_sha256"]), bytes(row["code_sha256"]))) in keys
    }


async def known(tx: Reader, map_id: int, spots: Sequence[Spot]) -> dict[Spot, Position | None]:
    """Those of these spots that were resolved before; None where the map says nothing."""
    found: dict[Spot, Position | None] = {}
    for line in sorted({line for line, _ in spots}):
        rows = await tx.among(
            "SELECT col, data FROM positions WHERE map_id = :map_id AND line = :line AND col IN :keys",
            sorted({column for on, column in spots if on == line}),
            map_id=map_id,
            line=line,
        )
        found |= {(line, row["col"]): _unpacked(bytes(row["data"])) for row in rows}
    return found


async def remember(tx: Tx, key: MapKey, verdict: Verdict | None, found: Found) -> None:
    """Keep what a map said, or why it is of no use. Beyond `POSITIONS_PER_MAP` it is not kept."""
    [row] = await tx.rows(
        """
        INSERT INTO source_maps (map_sha256, code_sha256, verdict, tried_at)
        VALUES :rows
        ON CONFLICT (map_sha256, code_sha256) DO UPDATE SET verdict = excluded.verdict, tried_at = excluded.tried_at
        RETURNING id""",
        [(*key, str(verdict or ""), tx.now)],
    )
    map_id = row["id"]
    count = await tx.value("SELECT COUNT(*) FROM positions WHERE map_id = :map_id", map_id=map_id)
    await tx.rows(
        """
        INSERT INTO positions (map_id, line, col, data)
        VALUES :rows
        ON CONFLICT (map_id, line, col) DO NOTHING""",
        [(map_id, *spot, _packed(found[spot])) for spot in sorted(found)[: POSITIONS_PER_MAP - count]],
    )


async def forget_some(tx: Tx, limit: int) -> bool:
    """Remove up to `limit` positions, then maps, whose artifacts are gone. Whether something is left to do."""
    gone = """
        SELECT id FROM source_maps
        WHERE NOT EXISTS (
            SELECT 1 FROM artifacts
            WHERE artifacts.sha256 = CASE
                WHEN LENGTH(source_maps.map_sha256) > 0 THEN source_maps.map_sha256 ELSE source_maps.code_sha256 END)"""
    removed = await tx.run(
        f"""
        DELETE FROM positions
        WHERE (map_id, line, col) IN (SELECT map_id, line, col FROM positions WHERE map_id IN ({gone}) LIMIT :limit)""",
        limit=limit,
    )
    if removed:
        return True
    await tx.run(f"DELETE FROM source_maps WHERE id IN ({gone})")
    return False


def _packed(position: Position | None) -> bytes:
    if position is None:
        return b""
    fields = (
        position.file,
        position.line,
        position.column,
        position.function,
        position.context_line,
        position.pre_context,
        position.post_context,
    )
    return zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(fields))


def _unpacked(data: bytes) -> Position | None:
    return Position(*_decode(zstandard.ZstdDecompressor().decompress(data))) if data else None
