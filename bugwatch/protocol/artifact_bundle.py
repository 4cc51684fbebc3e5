"""Bundles of artifacts, as build tools upload them: a zip, perhaps with 8 bytes before it, and in it a manifest that
says what the files are (PROTOCOL §2.5). What the zip says of itself is checked before anything is
expanded: it is a stranger's.

Paths in the zip only join a file to its line in the manifest; nothing is ever written to where they point.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import msgspec

from bugwatch.domain.artifact import ArtifactKind
from bugwatch.domain.errors import Invalid
from bugwatch.domain.limits import MIB
from bugwatch.domain.symbolication import clean_debug_id

ENTRIES = 30_000
DIRECTORY_BYTES = 4 * MIB  # of the zip's table of contents
MANIFEST_BYTES = 16 * MIB
FILE_BYTES = 128 * MIB  # expanded
EXPANDED_BYTES = 2 * 1024 * MIB
RATIO = 100  # maps shrink to a tenth, bombs to a thousandth
SMALL_BYTES = 64 * MIB  # what expands to less may be as dense as it likes
URL_BYTES = 2_000
PIECE = 256 * 1024

_FIELDS_PER_FILE = 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError)


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A file of a bundle, and what its manifest says of it; `size` in bytes, expanded."""

    path: str
    kind: ArtifactKind
    debug_id: str
    url: str
    source_map_ref: str
    size: int


@dataclass(frozen=True, slots=True)
class _Manifest:
    debug_id: str
    files: tuple[tuple[str, dict[str, Any]], ...]


class Bundle:
    """The bundle in `file`, of `size` bytes. Raises Invalid with what is wrong with it. Blocks: run it on a thread."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.size = size
        try:
            # It reads the table of contents at once: through a door that is no wider than the limit.
            self._zip = zipfile.ZipFile(cast("IO[bytes]", _Door(file)))
        except _BROKEN:
            raise Invalid("The upload is not a zip file that can be read.") from None
        self._entries = self._checked()
        manifest = self._manifest()
        self.debug_id = manifest.debug_id
        self.files = tuple(found for path, about in manifest.files if (found := self._file(path, about)))

    def read(self, file: BundledFile) -> Iterator[bytes]:
        """The content of a file, in pieces. Raises Invalid if it is damaged."""
        try:
            with self._zip.open(self._entries[file.path]) as content:
                while piece := content.read(PIECE):
                    yield piece
        except _BROKEN:
            raise Invalid(f"The file {_shown(file.path)} of the bundle is damaged.") from None

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > ENTRIES:
            raise Invalid(f"The bundle has {len(entries):,} files; at most {ENTRIES:,} are taken.")
        expanded = 0
        for entry in entries:
            if entry.flag_bits & _ENCRYPTED:
                raise Invalid(f"The file {_shown(entry.filename)} of the bundle is encrypted.")
            if entry.compress_type not in _METHODS:
                raise Invalid(f"The file {_shown(entry.filename)} of the bundle is compressed in an unknown way.")
            if entry.file_size > FILE_BYTES:
                raise Invalid(
                    f"The file {_shown(entry.filename)} of the bundle has {entry.file_size:,} bytes; "
                    f"at most {FILE_BYTES:,} are taken."
                )
            expanded += entry.file_size
        if expanded > EXPANDED_BYTES:
            raise Invalid(f"The bundle expands to {expanded:,} bytes; at most {EXPANDED_BYTES:,} are taken.")
        if expanded > max(SMALL_BYTES, RATIO * self.size):
            raise Invalid(f"The bundle expands to more than {RATIO} times its size: no source maps do that.")
        by_path = {entry.filename: entry for entry in entries}
        if len(by_path) < len(entries):
            raise Invalid("The bundle holds two files of the same name.")
        return by_path

    def _manifest(self) -> _Manifest:
        entry = self._entries.get("manifest.json")
        if entry is None:
            raise Invalid("The bundle has no manifest.json.")
        if entry.file_size > MANIFEST_BYTES:
            raise Invalid(f"The manifest of the bundle is too large: at most {MANIFEST_BYTES:,} bytes are taken.")
        try:
            raw = self._zip.read(entry)
            # Counted before it is read: each field becomes an object in memory.
            if raw.count(b":") > _FIELDS_PER_FILE * (len(self._entries) + 16):
                raise Invalid("The manifest of the bundle says more than its files could need.")
            manifest = msgspec.json.decode(raw)
        except (*_BROKEN, msgspec.MsgspecError, RecursionError):
            raise Invalid("The manifest of the bundle cannot be read.") from None
        files = manifest.get("files") if isinstance(manifest, dict) else None
        if not isinstance(files, dict):
            raise Invalid("The manifest of the bundle names no files.")
        listed = tuple((path, about) for path, about in files.items() if isinstance(about, dict))
        return _Manifest(clean_debug_id(_text(manifest.get("debug_id"))), listed)

    def _file(self, path: str, about: dict[str, Any]) -> BundledFile | None:
        """None for what is of no use: files that are not there, and kinds that nobody here reads."""
        entry, kind = self._entries.get(path), _text(about.get("type"))
        if entry is None or kind not in tuple(ArtifactKind):
            return None
        given = about.get("headers")
        headers = {name.lower(): _text(value) for name, value in given.items()} if isinstance(given, dict) else {}
        return BundledFile(
            path=path,
            kind=ArtifactKind(kind),
            debug_id=clean_debug_id(headers.get("debug-id", "")),
            url=_text(about.get("url")),
            source_map_ref=headers.get("sourcemap") or headers.get("x-sourcemap") or "",
            size=entry.file_size,
        )


class _Door:
    """A file from which nobody takes more than a table of contents, or a piece, at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY_BYTES:
            raise ValueError("too much at once")
        return self._file.read(DIRECTORY_BYTES if size < 0 else size)


def _text(value: object) -> str:
    """A text that both databases take, of a length that an index takes; anything else is empty."""
    if not isinstance(value, str) or "\0" in value:
        return ""
    encoded = value.encode("utf-8", "replace")
    return encoded.decode() if len(encoded) <= URL_BYTES else ""


def _shown(path: str) -> str:
    readable = "".join(character if character.isprintable() else "?" for character in path[:100])
    return f"“{readable}”"
