"""Everything that can go wrong, as a tree. Messages are complete sentences that a user may read.

    BugwatchError
    ├── NotFound              it does not exist, or you may not know that it does
    ├── Invalid(field)        what was given cannot be used; `field` names where
    ├── Conflict              it collides with what is there
    ├── Unauthenticated       who are you?
    ├── Forbidden             known, and not allowed
    ├── TooLarge              over a limit in bytes
    ├── UnknownEncoding       a Content-Encoding that we do not speak
    ├── RateLimited           too often; `retry_after` seconds, and for which categories
    ├── Unavailable           not now; somebody has to act (disk, database, configuration)
    ├── DeliveryFailed        an outgoing message did not arrive; `is_permanent` says whether to try again
    └── Rejected(outcome)     the pipeline's "stop here": counted, never lost from the ledger

`server/errors.py` holds the only table that turns these into HTTP statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugwatch.domain.outcome import Outcome


class BugwatchError(Exception):
    """The root. `str(error)` is a sentence for the person in front of the screen."""


class NotFound(BugwatchError):
    pass


class Invalid(BugwatchError):
    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Conflict(BugwatchError):
    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Unauthenticated(BugwatchError):
    pass


class Forbidden(BugwatchError):
    pass


class TooLarge(BugwatchError):
    pass


class UnknownEncoding(BugwatchError):
    pass


class RateLimited(BugwatchError):
    """Come back in `retry_after` seconds. `categories` are wire names (`error`, `attachment` …); none means all."""

    def __init__(self, message: str, retry_after: int, categories: tuple[str, ...] = (), reason: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.categories = categories
        self.reason = reason


class Unavailable(BugwatchError):
    pass


class DeliveryFailed(BugwatchError):
    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class Rejected(BugwatchError):
    """Stop processing this item; book it as `outcome` with `reason` (a short word, such as `malformed`)."""

    def __init__(self, outcome: Outcome, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.outcome = outcome
        self.reason = reason
