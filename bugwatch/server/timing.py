"""The one place that hears of every request that was answered, whoever answered it: for `/metrics` and the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from bugwatch.domain.histogram import SECONDS, Histogram

log = logging.getLogger(__name__)

SLOW_S = 1
_OURS = "bugwatch."  # what Sanic puts before the name of each route

_seen: dict[tuple[str, int], Histogram] = {}


def finished(method: str, route: str, status: int, seconds: float, request_id: str) -> None:
    """To be called with each answer. `route` is the name of what answered, or empty: never what a stranger typed."""
    family = status // 100
    histogram = _seen.get((route, family))
    if histogram is None:
        histogram = _seen[route, family] = Histogram(SECONDS)
    histogram.add(seconds)
    if seconds >= SLOW_S:
        _tell(logging.WARNING, method, route, status, seconds, request_id)
    elif log.isEnabledFor(logging.DEBUG):
        _tell(logging.DEBUG, method, route, status, seconds, request_id)


def by_route() -> Iterator[tuple[dict[str, str], Histogram]]:
    """How long answers took, by name of the route (`none` where there is no such address) and class of the status."""
    for (route, family), histogram in sorted(_seen.items()):
        yield {"route": _named(route), "status": f"{family}xx"}, histogram


def _tell(level: int, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
    ms = round(seconds * 1000)
    facts = {"method": method, "route": _named(route), "status": status, "ms": ms, "request_id": request_id}
    log.log(
        level, "%(method)s %(route)s: status %(status)d after %(ms)d ms, request %(request_id)s", facts, extra=facts
    )


def _named(route: str) -> str:
    return route.removeprefix(_OURS) or "none"
