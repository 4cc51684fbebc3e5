"""How often is too often: a token bucket, in numbers only."""

from __future__ import annotations

from bugwatch.domain.clock import MINUTE, SECOND


class TokenBucket:
    """`per_minute` on average; a minute's worth may come at once. `take` says how long to wait, in seconds."""

    __slots__ = ("_at", "_tokens", "per_minute")

    def __init__(self, per_minute: int, now: int) -> None:
        self.per_minute = per_minute
        self._tokens = float(per_minute)
        self._at = now

    def take(self, now: int, count: int = 1) -> int:
        """Take `count` tokens and return 0; or leave them and return the seconds until there are enough."""
        self._fill(now)
        if self._tokens >= count:
            self._tokens -= count
            return 0
        missing = count - self._tokens
        return max(1, -int(-missing * MINUTE / self.per_minute // SECOND))

    def left(self, now: int) -> tuple[int, int]:
        """How many tokens there are, and when it will be full again (ms since 1970)."""
        self._fill(now)
        return int(self._tokens), now + int((self.per_minute - self._tokens) * MINUTE / self.per_minute)

    def _fill(self, now: int) -> None:
        if now > self._at:  # a clock that was set back gives nothing and takes nothing
            self._tokens = min(self.per_minute, self._tokens + (now - self._at) * self.per_minute / MINUTE)
        self._at = now


class Buckets:
    """A bucket for each name, made when first asked for; at most `limit` names, the oldest forgotten first."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._buckets: dict[object, TokenBucket] = {}

    def take(self, name: object, per_minute: int, now: int, count: int = 1) -> int:
        """As `TokenBucket.take`; `per_minute` 0 means that there is no limit."""
        if per_minute <= 0:
            return 0
        return self._bucket(name, per_minute, now).take(now, count)

    def left(self, name: object, per_minute: int, now: int) -> tuple[int, int]:
        """As `TokenBucket.left`."""
        return self._bucket(name, per_minute, now).left(now)

    def _bucket(self, name: object, per_minute: int, now: int) -> TokenBucket:
        bucket = self._buckets.get(name)
        if bucket is None or bucket.per_minute != per_minute:
            if len(self._buckets) >= self._limit:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = self._buckets[name] = TokenBucket(per_minute, now)
        return bucket
