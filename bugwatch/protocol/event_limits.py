"""How much of an event we keep, and the tools that cut it: `line`, `prose`, `bag` and the notes they leave.

More generous than Relay's limits wherever somebody who debugs would miss the rest; the cap on the whole event bounds
it. Text limits are in characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from bugwatch.domain.event import Note
from bugwatch.domain.json import Json, JsonObject
from bugwatch.domain.stacktrace import NOTHING

# Names that become tags, columns or headings.
TAG = 200  # keys and values
NAME = 200  # release, dist, environment, logger, server_name, sdk and context names, levels and types
ROUTE = 500  # transaction, culprit
USER = 200  # id, username, name, email
EXCEPTION_TYPE = 512
THREAD_NAME = 1_024
# Code.
FUNCTION = 1_024  # also raw_function, module, package
PATH = 1_024  # filename, abs_path: data: URLs are longer, and nobody reads those
SOURCE_LINE = 2_048
# Prose.
MESSAGE = 32 * 1_024  # message, template, exception value, breadcrumb message
URL = 8 * 1_024

# How many of a kind.
FRAMES_OLDEST, FRAMES_NEWEST = 50, 200
EXCEPTIONS = 100
THREADS = 500
BREADCRUMBS = 500
TAGS = 200
PAIRS = 500  # headers, cookies, query parameters
FINGERPRINT = 20
NOTES = 200
CONTEXT_LINES = 50  # before, and after


@dataclass(frozen=True, slots=True)
class Size:
    """How large an open-ended value may be: characters in total, and levels of nesting."""

    characters: int
    depth: int = 16


VARS = Size(64 * 1_024)  # per frame
EXTRA = Size(256 * 1_024)
CONTEXTS = Size(256 * 1_024)
BODY = Size(128 * 1_024)
ENV = Size(32 * 1_024)
CRUMB = Size(16 * 1_024)
PARAMS = Size(16 * 1_024)
DETAIL = Size(16 * 1_024)  # what else frames, mechanisms and users carry
MODULES = Size(64 * 1_024)
DEBUG_META = Size(256 * 1_024)


class Notes(list[Note]):
    """What normalization changed or could not use, in the order found; after NOTES entries it stops listening."""

    def add(self, path: str, reason: str, original_length: int | None = None) -> None:
        if len(self) < NOTES:
            self.append(Note(without_nul(path[:PATH]), without_nul(reason[:PATH]), original_length))


def line(value: Any, limit: int, path: str, notes: Notes) -> str:
    """A name on one line, its ends stripped. Numbers and booleans are spelled out, lists and objects dropped."""
    if value is None:
        return ""
    if type(value) is str and len(value) <= limit and value.isprintable():
        return value.strip()
    text = verbatim(value, limit, path, notes).strip()
    return " ".join(text.split()) if "\n" in text or "\r" in text else text


def verbatim(value: Any, limit: int, path: str, notes: Notes) -> str:
    """As `line`, with its spaces as they came."""
    if value is None:
        return ""
    if not isinstance(value, str):
        if not isinstance(value, int | float):
            notes.add(path, "dropped, it is not text")
            return ""
        value = str(value)
    return _fit(value, limit, path, notes)


def prose(value: Any, limit: int, path: str, notes: Notes) -> str:
    """Text to read, of any number of lines; objects and lists are shown as JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else spelled(value)
    return _fit(text, limit, path, notes)


def spelled(value: Any) -> str:
    """`value` as text: strings as they are, `True`, `12`, and JSON for lists and objects."""
    if isinstance(value, dict | list):
        try:
            return msgspec.json.encode(value).decode()
        except RecursionError:
            return "[…]"
    return str(value)


def without_nul(text: str) -> str:
    """NUL is legal in JSON, and Postgres refuses it in text."""
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def _fit(text: str, limit: int, path: str, notes: Notes) -> str:
    text = without_nul(text)
    if len(text) <= limit:
        return text
    notes.add(path, f"cut to {limit} characters", len(text))
    return text[: limit - 1] + "…"


def bag(value: Any, size: Size, path: str, notes: Notes) -> JsonObject:
    """An open-ended object, cut to `size`; a list becomes an object by index, and anything else is dropped."""
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        if value is not None:
            notes.add(path, "dropped, it is not an object")
        return NOTHING
    trimmed = open_ended(value, size, path, notes)
    return trimmed if isinstance(trimmed, dict) and trimmed else NOTHING


def open_ended(value: Any, size: Size, path: str, notes: Notes) -> Json:
    """Any JSON, cut to `size`: long text at its end, lists and objects after the last item that fits."""
    trimmer = _Trimmer(size.characters)
    trimmed = trimmer.trim(value, size.depth)
    if trimmer.has_cut:
        notes.add(path, f"cut to {size.characters} characters and {size.depth} levels")
    return trimmed


class _Trimmer:
    def __init__(self, characters: int) -> None:
        self._left = characters
        self.has_cut = False

    def trim(self, value: Any, depth: int) -> Json:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict | list) and value and depth == 0:
            self.has_cut = True
            return "{…}" if isinstance(value, dict) else "[…]"
        if isinstance(value, dict):
            return {self._text(key): self.trim(item, depth - 1) for key, item in value.items() if self._has_room()}
        if isinstance(value, list):
            return [self.trim(item, depth - 1) for item in value if self._has_room()]
        self._left -= 8
        return value  # type: ignore[no-any-return]  # a number, a boolean or None: JSON has nothing else

    def _has_room(self) -> bool:
        self.has_cut = self.has_cut or self._left <= 0
        return self._left > 0

    def _text(self, text: str) -> str:
        text = without_nul(text)
        if len(text) > max(self._left, 1):
            self.has_cut = True
            text = text[: max(self._left, 1) - 1] + "…"
        self._left -= len(text) + 4
        return text
