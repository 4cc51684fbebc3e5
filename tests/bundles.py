"""Bundles as build tools make them, and as attackers do."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

DEBUG_ID = "6f4e1e80-1f4a-4c5b-9d31-0000000000a1"
CODE = b"function pay(){throw Error('no')}\n//# sourceMappingURL=app.js.map\n"
MAP = json.dumps({"version": 3, "sources": ["src/app.ts"], "names": [], "mappings": "AAAA"}).encode()


def zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def manifest(files: Mapping[str, Any], **others: Any) -> bytes:
    return json.dumps({"files": files, **others}).encode()


def bundle(debug_id: str = DEBUG_ID, code: bytes = CODE, source_map: bytes = MAP, *, prefix: bool = True) -> bytes:
    """Code and its map as sentry-cli bundles them; without debug ids if that is empty."""
    marks = {"debug-id": debug_id} if debug_id else {}
    files = {
        "files/_/_/app.js": {
            "url": "~/app.js",
            "type": "minified_source",
            "headers": {"Sourcemap": "app.js.map", **marks},
        },
        "files/_/_/app.js.map": {"url": "~/app.js.map", "type": "source_map", "headers": marks},
    }
    entries = {
        "manifest.json": manifest(files, org="default", project="shop"),
        "files/_/_/app.js": code,
        "files/_/_/app.js.map": source_map,
    }
    return (b"SYSB\x02\0\0\0" if prefix else b"") + zipped(entries)
