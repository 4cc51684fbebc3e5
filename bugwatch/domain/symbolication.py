"""Symbolication: what a source map says of a frame of minified code, and why it says nothing where it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugwatch.domain.stacktrace import Frame


class Verdict(StrEnum):
    """What came of mapping a frame. The first two are mapped; the pages say what to do about the others."""

    MAPPED = "mapped"
    SOURCE_MISSING = "source_missing"  # mapped, but the source's text is neither in the map nor uploaded
    NO_DEBUG_ID = "no_debug_id"  # the event names neither a debug id for the file nor a release
    NO_ARTIFACT = "no_artifact"  # nothing was uploaded under this debug id, or release and address
    OTHER_PROJECT = "other_project"  # it was uploaded, for another project
    NO_MAP = "no_map"  # the minified file was uploaded, its map was not
    NO_POSITION = "no_position"  # the map says nothing about this line and column
    MAP_BROKEN = "map_broken"
    TOO_LARGE = "too_large"  # the map needs more memory or time than a map may take
    WAITING = "waiting"  # it was not resolved in time; the next look finds it

    @property
    def is_mapped(self) -> bool:
        return self in (Verdict.MAPPED, Verdict.SOURCE_MISSING)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a frame's shown form comes from. `Frame.origin` is None where source maps have nothing to do with it.

    `raw` is the frame as it arrived (if mapped, else None: the frame itself is it). What was looked for: `debug_id` (32
    hex digits with dashes, or empty), `release`; `artifact` is the address of the file whose map was used, if one was
    found.
    """

    verdict: Verdict
    raw: Frame | None = None
    debug_id: str = ""
    release: str = ""
    artifact: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """What a map says of one line and column: `line` and `column` count from 1, 0 where unknown.

    `function` is the original name of the function around it; empty if the map does not tell.
    """

    file: str
    line: int
    column: int
    function: str = ""
    context_line: str | None = None
    pre_context: tuple[str, ...] = ()
    post_context: tuple[str, ...] = ()


CONTEXT = 5
LINE_LENGTH = 400


def in_context(position: Position, lines: Sequence[str]) -> Position:
    """The position with its line of the source, and those around it; as it is if the source has no such line."""
    if not 0 < position.line <= len(lines):
        return position
    shown = [line[:LINE_LENGTH] for line in lines[max(position.line - CONTEXT - 1, 0) : position.line + CONTEXT]]
    at = min(position.line - 1, CONTEXT)
    return replace(position, context_line=shown[at], pre_context=tuple(shown[:at]), post_context=tuple(shown[at + 1 :]))


_HEX = re.compile(r"[0-9a-f]{32}")


def clean_debug_id(text: str) -> str:
    """The debug id as a lower-case uuid, however it was spelled; empty if it is none."""
    digits = text.strip().replace("-", "").lower()
    if not _HEX.fullmatch(digits):
        return ""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
