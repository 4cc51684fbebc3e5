"""Which file of an event carries which debug id: `debug_meta.images`, as JavaScript SDKs fill it."""

from __future__ import annotations

import msgspec

from bugwatch.domain.symbolication import clean_debug_id

MAX_IMAGES = 500


class _Image(msgspec.Struct):
    type: object = None
    code_file: object = None
    debug_id: object = None


class _DebugMeta(msgspec.Struct):
    images: list[_Image | None] | None = None


class _Event(msgspec.Struct):
    debug_meta: _DebugMeta | None = None


_decode = msgspec.json.Decoder(_Event).decode


def debug_ids_of(payload: bytes) -> dict[str, str]:
    """The debug id (a lower-case uuid) of each file, by the `abs_path` of its frames; empty if the event names none."""
    if b'"debug_meta"' not in payload:
        return {}
    try:
        meta = _decode(payload).debug_meta
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for image in (meta.images if meta else None) or ():
        if image is None or image.type != "sourcemap" or not isinstance(image.code_file, str):
            continue
        debug_id = clean_debug_id(image.debug_id) if isinstance(image.debug_id, str) else ""
        if debug_id and len(found) < MAX_IMAGES:
            found[image.code_file] = debug_id
    return found
