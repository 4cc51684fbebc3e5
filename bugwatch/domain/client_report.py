"""What an SDK says it dropped before it reached us: shown beside the ledger, never part of its sum."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.outcome import Category


@dataclass(frozen=True, slots=True)
class ReportedLoss:
    """`quantity` items of one category, and why: a word of a fixed set (`before_send`, `network_error`, `other` …)."""

    category: Category
    reason: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ClientReport:
    """`happened_at` in ms since 1970; each pair of category and reason occurs once in `losses`."""

    happened_at: int
    losses: tuple[ReportedLoss, ...]
