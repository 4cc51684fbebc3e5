"""What a browser posts: fields as text, and the sentences that belong to them."""

from __future__ import annotations

from sanic import Request

from bugwatch.domain.errors import Conflict, Invalid

LONGEST = 10_000


def text(request: Request, name: str) -> str:
    """The field as it was typed; empty if it is not there. Longer than any form of ours allows is Invalid."""
    found = typed(request, name)
    if len(found) > LONGEST:
        raise Invalid("That is too long.", name)
    return found


def typed(request: Request, name: str) -> str:
    """The field however long it is: to show the form again."""
    value = request.form.get(name) if request.form else None
    return value if isinstance(value, str) else ""


def number(request: Request, name: str, default: int = 0) -> int:
    """The field as a number; `default` if it is none."""
    value = text(request, name)
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else default


def numbers(request: Request, name: str) -> list[int]:
    """Every box of this name that is ticked, as a number; what is none is left out."""
    values = request.form.getlist(name, []) if request.form else []
    return [int(value) for value in values if value.isascii() and value.isdecimal() and len(value) < 19]


def problems(error: Invalid | Conflict) -> dict[str, str]:
    """The sentence by the field that it belongs to; under an empty name if it belongs to none."""
    return {error.field or "": str(error)}
