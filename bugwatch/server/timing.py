"""The one place that hears of every request that was answered, whoever answered it."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

SLOW_S = 10


def finished(method: str, route: str, status: int, seconds: float) -> None:
    """To be called with each answer. `route` is the name of what answered, or empty: never what a stranger typed."""
    if seconds >= SLOW_S:
        log.warning("%s %s took %.1f s (status %d)", method, route or "(no route)", seconds, status)
