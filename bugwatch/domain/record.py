"""Records that are made for every event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass that the type checker holds frozen, and that is a plain one with slots at run time.

    To guard each field at run time as well takes four times as long to make one (measured: 6.5 µs for an `Event`).
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
