"""What became of an item: one verdict each, so that nothing vanishes uncounted.

received = stored + duplicate + filtered + limited + invalid + waiting, per project, hour of arrival and category.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
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


class Category(StrEnum):
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


@dataclass(frozen=True, slots=True, order=True)
class Booking:
    """What a line of the ledger counts: items of a project with the same verdict in the same hour of arrival."""

    project_id: int
    hour: int
    category: Category
    outcome: Outcome
    reason: str
