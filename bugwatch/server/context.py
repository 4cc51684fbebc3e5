"""What a handler may reach: the house."""

from __future__ import annotations

from typing import cast

from sanic.request import Request

from bugwatch.services.house import House


def house(request: Request) -> House:
    """The services behind this server."""
    return cast("House", request.app.ctx.house)
