"""What the issues list shows: read from the address, and written into it again. Every view is a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlencode

from bugwatch.domain.clock import DAY, HOUR
from bugwatch.domain.event import Level

LONGEST_TERM = 200
STATUSES = ("unresolved", "regressed", "ignored", "resolved", "all")
SORTS = ("last_seen", "first_seen", "events", "users")

# How far back, and how wide a bar of the chart is. Empty: any time, with the chart of the last day.
PERIODS = {"": (DAY, HOUR), "24h": (DAY, HOUR), "7d": (7 * DAY, 2 * HOUR), "14d": (14 * DAY, 4 * HOUR),
           "30d": (30 * DAY, 8 * HOUR), "90d": (90 * DAY, DAY)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """`status` is one of STATUSES, `period` one of PERIODS; the others are empty where they do not matter."""

    status: str = "unresolved"
    project: str = ""
    environment: str = ""
    level: str = ""
    release: str = ""
    query: str = ""
    period: str = ""
    sort: str = "last_seen"

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """From a query string; what makes no sense is as if it were not there."""
        known = {field.name: given[field.name].strip()[:LONGEST_TERM] for field in fields(cls) if given.get(field.name)}
        allowed = {"status": STATUSES, "sort": SORTS, "period": tuple(PERIODS), "level": tuple(Level)}
        return cls(**{name: value for name, value in known.items() if value in allowed.get(name, (value,))})

    @classmethod
    def read_query(cls, query: str) -> Filters:
        return cls.read(dict(parse_qsl(query[:4_000])))

    def changed(self, **changes: str) -> dict[str, str]:
        """The parameters of the address with other values; those that stand at their default are left out."""
        values = {field.name: changes.get(field.name, getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(_DEFAULT, name)}

    @property
    def as_query(self) -> str:
        return urlencode(self.changed())

    @property
    def active_count(self) -> int:
        """How many narrow the list, besides its tab."""
        return len(self.changed().keys() - {"status", "sort"})

    @property
    def span_ms(self) -> int:
        return PERIODS[self.period][0]

    @property
    def step_ms(self) -> int:
        return PERIODS[self.period][1]


_DEFAULT = Filters()
