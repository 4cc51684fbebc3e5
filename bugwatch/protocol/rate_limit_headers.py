"""How SDKs are told to wait: `X-Sentry-Rate-Limits` and `Retry-After` (PROTOCOL §1.10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_UNSAFE = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """For `seconds`, nothing of `categories` (the wire's names; none means everything) is taken from the `scope`."""

    seconds: int
    categories: tuple[str, ...] = ()
    scope: str = "project"
    reason: str = ""


def rate_limits(limits: Sequence[RateLimit]) -> str:
    """The value of `X-Sentry-Rate-Limits`, for any status: `60:error;security:project:quota, 3600:span:project`."""
    return ", ".join(_one(limit) for limit in limits)


def retry_after(limits: Sequence[RateLimit]) -> str:
    """The value of `Retry-After`, for a 429: the longest wait in seconds."""
    return str(max((max(limit.seconds, 0) for limit in limits), default=0))


def _one(limit: RateLimit) -> str:
    parts = [str(max(limit.seconds, 0)), ";".join(_word(name) for name in limit.categories), _word(limit.scope)]
    return ":".join([*parts, _word(limit.reason)] if limit.reason else parts)


def _word(text: str) -> str:
    """A separator inside a word, or a line break, would change what the header says."""
    return _UNSAFE.sub("_", text.lower())
