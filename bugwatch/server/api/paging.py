"""Lists in pages. A cursor says where the last page ended, by the key that the list is sorted by, so that what comes in
meanwhile moves nothing into the next page that was shown before.

It is signed for one list in one order: whatever else comes in its place is refused, and nobody can ask for a place that
no page of theirs ended at.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Annotated

import msgspec
from pydantic import BaseModel, Field
from sanic import Request

from bugwatch.domain.errors import Invalid
from bugwatch.server.context import house

_MARK = 12  # bytes of signature


class PageQuery(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100, description="Items per page.")] = 25
    cursor: Annotated[str, Field(description="`next_cursor` of the page before.")] = ""


def cursor_at(request: Request, place: tuple[int, ...], order: str = "") -> str:
    """The cursor of a page of this address that ended at `place`."""
    packed = msgspec.msgpack.encode(place)
    return base64.urlsafe_b64encode(_signature(request, packed, order) + packed).decode().rstrip("=")


def place_of(request: Request, cursor: str, order: str = "") -> tuple[int, ...] | None:
    """Where the page before ended; None for the first page. Raises Invalid."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    mark, packed = raw[:_MARK], raw[_MARK:]
    if not packed or not hmac.compare_digest(mark, _signature(request, packed, order)):
        raise Invalid("This cursor belongs to no page of this list. Begin again without it.", "cursor")
    return msgspec.msgpack.decode(packed, type=tuple[int, ...])


def _signature(request: Request, packed: bytes, order: str) -> bytes:
    return house(request).secret.mark("cursor", f"{request.path} {order} {packed.hex()}")[:_MARK]
