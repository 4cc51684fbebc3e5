"""What tools ask for and we do not serve: said once for each, so that the operator sees what a tool misses."""

from __future__ import annotations

import logging

from sanic import Request

log = logging.getLogger(__name__)

REMEMBERED = 200

_seen: set[tuple[str, str]] = set()


def note(request: Request) -> None:
    """To be called for an address that nobody serves."""
    asked = request.method, request.path[:200]
    if request.path.startswith("/api/0/") and asked not in _seen and len(_seen) < REMEMBERED:
        _seen.add(asked)
        log.info("A tool asked for %s %r, which Bugwatch does not serve", *asked)
