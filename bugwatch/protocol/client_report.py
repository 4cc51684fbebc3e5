"""Client reports: `{timestamp, discarded_events: [{reason, category, quantity}]}` (PROTOCOL §1.17)."""

from __future__ import annotations

from bugwatch.domain.client_report import ClientReport, ReportedLoss
from bugwatch.domain.outcome import Category
from bugwatch.protocol.json_fields import instant, member, object_of, objects, text, whole

ENTRIES = 100
MAX_QUANTITY = 1_000_000
OTHER = "other"

# What SDKs say today. Anything else becomes `other`, so that nobody can fill the ledger with words of their own.
REASONS = frozenset(
    {"queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff", "network_error", "send_error"}
    | {"sample_rate", "before_send", "event_processor", "internal_sdk_error", "insufficient_data", "backpressure"}
    | {"no_parent_span", "ignored", "invalid", "too_big", "dropped_due_to_mem_limit"}
)
_LISTS = ("discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events")
# Told in bytes or milliseconds, beside the category that tells the same loss in items.
_NOT_ITEMS = frozenset({"log_byte", "trace_metric_byte", "profile_duration", "profile_duration_ui"})
_OTHER_NAMES = {
    "attachment_item": Category.ATTACHMENT,
    "transaction_processed": Category.TRANSACTION,
    "transaction_indexed": Category.TRANSACTION,
    "span_indexed": Category.SPAN,
    "profile_chunk_ui": Category.PROFILE_CHUNK,
    "user_report": Category.FEEDBACK,
    "user_report_v2": Category.FEEDBACK,
}


def parse(payload: bytes, received_at: int) -> ClientReport:
    """What the SDK dropped. Entries that make no sense are left out; `Invalid` if `payload` is no JSON object."""
    document = object_of(payload, "client report")
    sums: dict[tuple[Category, str], int] = {}
    entries = [entry for name in _LISTS for entry in objects(document, name, ENTRIES)]
    for entry in entries[:ENTRIES]:
        name = text(entry, "category", 64)
        category = _OTHER_NAMES.get(name) or member(Category, name) or Category.DEFAULT
        quantity = whole(entry, "quantity", MAX_QUANTITY)
        if not quantity or name in _NOT_ITEMS:
            continue
        reason = text(entry, "reason", 64)
        key = category, reason if reason in REASONS else OTHER
        # Some SDKs count attachments in bytes, some in pieces, under one name: one entry is at least one of them.
        sums[key] = sums.get(key, 0) + (1 if name == "attachment" else quantity)
    return ClientReport(
        instant(document, "timestamp", received_at),
        tuple(ReportedLoss(category, reason, quantity) for (category, reason), quantity in sums.items()),
    )
