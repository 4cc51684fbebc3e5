"""What build tools upload: source maps and the code they belong to, in bundles, and where an upload stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ArtifactKind(StrEnum):
    MINIFIED_SOURCE = "minified_source"
    SOURCE_MAP = "source_map"
    SOURCE = "source"


class UploadState(StrEnum):
    """In the words of the upload protocol (PROTOCOL §2.3)."""

    NOT_FOUND = "not_found"
    CREATED = "created"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """A file of a bundle, ready to be stored: `data` is its packed content, `sha256` of that, `size` before packing."""

    number: int
    kind: ArtifactKind
    debug_id: str
    url: str
    source_map_ref: str
    sha256: bytes
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """A bundle as a tool announces it. `release` and `dist` are empty where it is found by its debug ids alone."""

    sha1: bytes
    chunks: tuple[bytes, ...]
    organization_id: int
    project_ids: tuple[int, ...]
    release: str = ""
    dist: str = ""


@dataclass(frozen=True, slots=True)
class Assembly:
    """How far an upload is; `missing` are the chunks that are to be sent, `detail` says what went wrong."""

    state: UploadState
    missing: tuple[bytes, ...] = ()
    detail: str = ""
