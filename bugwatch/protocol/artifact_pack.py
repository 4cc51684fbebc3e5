"""Makes bundles of artifacts, as our own command line uploads them: `artifact_bundle.py` reads them."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from bugwatch.domain.artifact import ArtifactKind
from bugwatch.domain.symbolication import clean_debug_id
from bugwatch.protocol import lenient_json

PREFIX = b"SYSB\x02\0\0\0"
TAIL_BYTES = 16 * 1024  # of code: what tools write there

_MAP_REF = re.compile(rb"^//[#@]\s*sourceMappingURL=(\S+)\s*$", re.MULTILINE)
_DEBUG_ID = re.compile(rb"^//#\s*debugId=([0-9a-fA-F-]{32,36})\s*$", re.MULTILINE)
# What older plugins put at the beginning of the code instead: it tells the SDK at run time.
_INJECTED = re.compile(rb"sentry-dbid-([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file to upload. `url` is where the browser loads it from, with `~` for any host."""

    url: str
    kind: ArtifactKind
    data: bytes
    debug_id: str = ""
    source_map_ref: str = ""


def map_ref_of(code: bytes) -> str:
    """What the code says of its map, the last one counts; empty if it says nothing, or holds the map itself."""
    found = _MAP_REF.findall(code[-TAIL_BYTES:])
    ref = found[-1].decode("utf-8", "replace") if found else ""
    return "" if ref.startswith("data:") else ref


def debug_id_of_code(code: bytes) -> str:
    """Empty if the code names none."""
    found = _DEBUG_ID.findall(code[-TAIL_BYTES:]) or _INJECTED.findall(code)
    return clean_debug_id(found[-1].decode()) if found else ""


def debug_id_of_map(data: bytes) -> str | None:
    """The debug id in a source map, empty if it names none; None if this is no source map."""
    try:
        told, _remarks = lenient_json.parse(data.removeprefix(b")]}'").lstrip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not ("mappings" in told or "sections" in told):
        return None
    named = told.get("debugId") or told.get("debug_id")
    return clean_debug_id(named) if isinstance(named, str) else ""


def write_bundle(file: IO[bytes], files: Iterable[PackedFile]) -> int:
    """Write the bundle of these files; the same files make the same bytes. How many files it holds."""
    manifest: dict[str, object] = {}
    file.write(PREFIX)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, packed in enumerate(files):
            path = f"files/{number}"
            headers = {"debug-id": packed.debug_id, "sourcemap": packed.source_map_ref}
            manifest[path] = {
                "url": packed.url,
                "type": str(packed.kind),
                "headers": {name: value for name, value in headers.items() if value},
            }
            archive.writestr(_entry(path), packed.data)
        archive.writestr(_entry("manifest.json"), json.dumps({"files": manifest}))
    return len(manifest)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path)  # of 1980: without the time, a repeat is the same upload
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
