"""What became of an item: one verdict each, so that nothing vanishes uncounted.

received = stored + duplicate + filtered + limited + invalid + waiting, per project, hour of arrival and category.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class _Word(StrEnum):
    """Hashed as the text that it is: Enum's way is a call of Python code, many times for each event."""

    __hash__ = str.__hash__


class Outcome(_Word):
    """The verdicts, in the order in which they are sought; `received` is booked at the door, on its own."""

    RECEIVED = "received"
    INVALID = "invalid"
    LIMITED = "limited"
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    STORED = "stored"
    # Beside the sum: what an SDK says it dropped, and what retention removed later.
    REPORTED = "reported"
    EVICTED = "evicted"
    DELETED = "deleted"


class Category(_Word):
    """The wire's data categories, as rate limits and client reports name them."""

    ERROR = "error"
    TRANSACTION = "transaction"
    SPAN = "span"
    SESSION = "session"
    ATTACHMENT = "attachment"
    SECURITY = "security"
    PROFILE = "profile"
    PROFILE_CHUNK = "profile_chunk"
    REPLAY = "replay"
    MONITOR = "monitor"
    LOG_ITEM = "log_item"
    FEEDBACK = "feedback"
    TRACE_METRIC = "trace_metric"
    INTERNAL = "internal"
    DEFAULT = "default"


class Booking(NamedTuple):
    """What a line of the ledger counts: items of a project with the same verdict in the same hour of arrival."""

    project_id: int
    hour: int
    category: Category
    outcome: Outcome
    reason: str
