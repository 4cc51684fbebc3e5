"""Stack traces as the field knows them: frames oldest first, the crash frame last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from types import MappingProxyType

from bugwatch.domain.json import JsonObject
from bugwatch.domain.record import record
from bugwatch.domain.symbolication import Origin

NOTHING: JsonObject = MappingProxyType({})


def nothing() -> JsonObject:
    """The default of open-ended fields: one shared, unchangeable object. Python 3.11 refuses it as a plain default."""
    return NOTHING


@record
class Frame:
    """One call. An empty string means unknown; `in_app` is None where the SDK did not say; positions are 1-based."""

    function: str = ""
    raw_function: str = ""
    module: str = ""
    package: str = ""
    filename: str = ""
    abs_path: str = ""
    platform: str = ""
    lineno: int | None = None
    colno: int | None = None
    in_app: bool | None = None
    context_line: str | None = None
    pre_context: tuple[str, ...] = ()
    post_context: tuple[str, ...] = ()
    vars: JsonObject = field(default_factory=nothing)
    # What we show but do not interpret: instruction_addr, image_addr, lock, data …
    rest: JsonObject = field(default_factory=nothing)
    is_ruled: bool = False  # `in_app` is what a rule of the project says: then nobody knows better
    # What source maps did to it; None where they have nothing to do with it.
    origin: Origin | None = None


class SharedFrames(tuple[Frame, ...]):
    """The frames of a stack trace that many events share. What was found out about them once is kept in `found`."""

    found: dict[str, object]

    def __new__(cls, frames: Iterable[Frame]) -> SharedFrames:
        shared = super().__new__(cls, frames)
        shared.found = {}
        return shared


@record
class Thread:
    """One thread of the process at the time of the event; `frames` may be empty."""

    id: str = ""
    name: str = ""
    is_crashed: bool = False
    is_current: bool = False
    state: str = ""
    frames: tuple[Frame, ...] = ()

    @property
    def is_involved(self) -> bool:
        """Whether the event is about this thread, rather than listing it among all."""
        return self.is_crashed or self.is_current
