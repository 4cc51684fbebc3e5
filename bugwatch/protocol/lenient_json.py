"""JSON as it really arrives: bare NaN, half surrogates, stray bytes, brackets nested a million deep.

What comes out can always be sent on: no NaN, no lone surrogate, no depth that overflows a stack. `msgspec` reads the
well-formed rest at full speed.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from bugwatch.domain.errors import Invalid

MAX_DEPTH = 128  # the deepest bag that we keep is far above this
_MAX_DIGITS = 300  # longer integers stay text: Python refuses to convert very long ones, and no reader wants them

NOT_JSON = (
    msgspec.MsgspecError,
    UnicodeDecodeError,
    RecursionError,
)  # what msgspec raises where it is stricter than we

_decode = msgspec.json.Decoder().decode
# A string (also one that never ends), or a bracket. Possessive, so that hostile text is read once.
_TOKEN = re.compile(r'"(?>[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_object(raw: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The JSON object in `raw`, and what had to be changed to read it, as short remarks. Invalid if there is none."""
    try:
        value, remarks = parse(raw)
    except ValueError as error:
        raise Invalid(f"The event is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Invalid("The event is not a JSON object.")
    return value, remarks


def parse(raw: bytes) -> tuple[Any, tuple[str, ...]]:
    """Any JSON value and the remarks; ValueError where nothing can be made of it."""
    try:
        return _decode(raw), ()
    except NOT_JSON:
        return _repair(raw)


def _repair(raw: bytes) -> tuple[Any, tuple[str, ...]]:
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    remarks = ["bytes that are not UTF-8 were replaced"] if "\ufffd" in text else []
    try:
        value = _whole(_loads(text))
    except RecursionError:
        value = _whole(_loads(_pruned(text)))
        remarks.append(f"what was nested deeper than {MAX_DEPTH} levels was cut")
    return value, tuple(remarks)


def _loads(text: str) -> Any:
    return json.loads(text, strict=False, parse_constant=str, parse_float=_float, parse_int=_int)


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _pruned(text: str) -> str:
    """`text` with "…" in place of whatever lies deeper than MAX_DEPTH."""
    kept, depth, start = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept.append(text[start : token.start()])
        elif token[0] in ("]", "}"):
            if depth == MAX_DEPTH + 1:
                kept.append('"…"')
                start = token.end()
            depth -= 1
    if depth <= MAX_DEPTH:
        kept.append(text[start:])
    return "".join(kept)


def _whole(value: Any) -> Any:
    """`value` with a replacement character for each half of a surrogate pair, in keys too."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
