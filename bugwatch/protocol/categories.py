"""What an item is to the ledger: its category, how many it counts for, whether we serve it (PROTOCOL §1.8, §1.10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bugwatch.domain.outcome import Category
from bugwatch.protocol.envelope import Item

UNSUPPORTED = "unsupported"
UNKNOWN_TYPE = "unknown_type"

_SERVED: Mapping[str, Category] = MappingProxyType(
    {
        "event": Category.ERROR,
        "attachment": Category.ATTACHMENT,
        "user_report": Category.FEEDBACK,
        "feedback": Category.FEEDBACK,
        "session": Category.SESSION,
        "sessions": Category.SESSION,
        "check_in": Category.MONITOR,
        "client_report": Category.INTERNAL,
        "security": Category.SECURITY,
        "raw_security": Category.SECURITY,
    }
)

# Known and not served yet. With the categories by which an SDK can be told to stop sending them: never one that also
# covers what we do serve.
_UNSERVED: Mapping[str, tuple[Category, tuple[str, ...]]] = MappingProxyType(
    {
        "transaction": (Category.TRANSACTION, ("transaction",)),
        "span": (Category.SPAN, ("span",)),
        "profile": (Category.PROFILE, ("profile",)),
        "profile_chunk": (Category.PROFILE_CHUNK, ("profile_chunk", "profile_chunk_ui")),
        "profile_chunk_ui": (Category.PROFILE_CHUNK, ("profile_chunk", "profile_chunk_ui")),
        "replay_event": (Category.REPLAY, ("replay",)),
        "replay_recording": (Category.REPLAY, ("replay",)),
        "replay_video": (Category.REPLAY, ("replay",)),
        "log": (Category.LOG_ITEM, ("log_item", "log_byte")),
        "otel_log": (Category.LOG_ITEM, ("log_item", "log_byte")),
        "trace_metric": (Category.TRACE_METRIC, ("trace_metric",)),
        "statsd": (Category.DEFAULT, ("metric_bucket",)),
        "metric_buckets": (Category.DEFAULT, ("metric_bucket",)),
        "metric_meta": (Category.DEFAULT, ("metric_bucket",)),
        "nel": (Category.DEFAULT, ()),
        "form_data": (Category.DEFAULT, ()),
        "unreal_report": (Category.DEFAULT, ()),
    }
)

_CONTAINERS = frozenset({"log", "otel_log", "trace_metric", "span"})


def category_of(item_type: str) -> Category:
    """The category in which the ledger counts an item; `default` for types that nobody knows."""
    if item_type in _SERVED:
        return _SERVED[item_type]
    return _UNSERVED[item_type][0] if item_type in _UNSERVED else Category.DEFAULT


def refusal_of(item_type: str) -> str | None:
    """None for what the product serves; else the reason with which it is accepted, dropped and counted as filtered."""
    if item_type in _SERVED:
        return None
    return UNSUPPORTED if item_type in _UNSERVED else UNKNOWN_TYPE


def quantity_of(item: Item) -> int:
    """For how many the item counts: a container for what it holds, as far as that can be believed; all else for one."""
    if item.type not in _CONTAINERS or item.item_count is None:
        return 1
    return max(1, min(item.item_count, len(item.view)))


def to_switch_off(item_types: Iterable[str]) -> tuple[str, ...]:
    """The wire's names of the categories whose sending is in vain, for those of `item_types` that are not served."""
    names = {name for item_type in item_types if item_type in _UNSERVED for name in _UNSERVED[item_type][1]}
    return tuple(sorted(names))
