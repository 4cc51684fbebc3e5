"""A setting of the operator, as the manual describes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """`name` is its variable's; `default` as one would write it, empty where the description says what that is."""

    name: str
    default: str
    description: str
