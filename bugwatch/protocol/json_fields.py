"""Reading small JSON payloads from strangers: a value of the wrong type is an absent one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from bugwatch.domain.errors import Invalid
from bugwatch.protocol import lenient_json
from bugwatch.protocol.timestamps import instant_of, is_believable

Word = TypeVar("Word", bound=StrEnum)


def json_of(raw: bytes, what: str) -> Any:
    """The JSON value in `raw`; `Invalid` says that `what` ("session") is none."""
    try:
        value, _ = lenient_json.parse(raw)
    except (ValueError, RecursionError):
        raise Invalid(f"The {what} is not valid JSON.") from None
    return value


def object_of(raw: bytes, what: str) -> dict[str, Any]:
    """As `json_of`, for objects only."""
    value = json_of(raw, what)
    if not isinstance(value, dict):
        raise Invalid(f"The {what} is not a JSON object.")
    return value


def child(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object under `key`, or an empty one."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def objects(document: Mapping[str, Any], key: str, most: int) -> list[dict[str, Any]]:
    """The objects in the list under `key`, at most `most` of them."""
    value = document.get(key)
    return [each for each in value[:most] if isinstance(each, dict)] if isinstance(value, list) else []


def text(document: Mapping[str, Any], key: str, length: int) -> str:
    """Text, trimmed and cut to `length`, without NUL; whole numbers are spelled out; empty for anything else."""
    value = document.get(key)
    if type(value) is int:
        value = str(value)
    # Postgres refuses NUL in text.
    return value.strip()[:length].strip().replace("\x00", "\ufffd") if isinstance(value, str) else ""


def member(kind: type[Word], told: str) -> Word | None:
    """The member of `kind` that is spelled so, or None."""
    try:
        return kind(told)
    except ValueError:
        return None


def whole(document: Mapping[str, Any], key: str, most: int) -> int | None:
    """A number from 0 to `most`, whole or cut to it; larger ones count as `most`; None for anything else."""
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return int(min(value, most))


def milliseconds(document: Mapping[str, Any], key: str, most: int) -> int | None:
    """A duration that the wire tells in seconds; None for anything else, `most` (in ms) for anything longer."""
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return round(min(value * 1_000, most))


def instant(document: Mapping[str, Any], key: str, received_at: int, drift: int = 0) -> int:
    """A believable instant, moved by `drift`; else `received_at`. All in ms."""
    told = instant_of(document.get(key))
    return told + drift if told is not None and is_believable(told + drift, received_at) else received_at
