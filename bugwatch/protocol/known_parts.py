"""What an app says of its surroundings, and of how it caught an exception, is the same in most of its events.

So it is understood once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw

from bugwatch.protocol.event_limits import Notes

T = TypeVar("T")

_MEMORY = 512  # parts; devices tell their free memory, and are new each time
_LONGEST_REMEMBERED = 1_024  # bytes

_decode = msgspec.json.Decoder().decode


class KnownParts(Generic[T]):
    """What one kind of part comes to by `understand`, remembered by its bytes. What comes out is shared: change it not.

    Only what left no notes is remembered: others have to leave theirs with each event.
    """

    def __init__(self, understand: Callable[[Any, str, Notes], T]) -> None:
        self._understand = understand
        self._known: dict[bytes, T] = {}

    def of(self, part: Any, path: str, notes: Notes) -> T:
        """Of a part that is decoded already, or of its JSON as `Raw`; then this may raise one of NOT_LEAN."""
        if not isinstance(part, Raw):
            return self._understand(part, path, notes)
        raw = bytes(part)
        try:
            return self._known[raw]
        except KeyError:
            return self._learn(raw, path, notes)

    def _learn(self, raw: bytes, path: str, notes: Notes) -> T:
        own = Notes()
        found = self._understand(_decode(raw), path, own)
        notes += own
        if not own and len(raw) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            self._known[raw] = found
        return found
