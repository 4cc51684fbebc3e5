"""A project: one app that sends events, with its keys."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bugwatch.domain.fingerprint import VERSION
from bugwatch.domain.grouping import Policy


@dataclass(frozen=True, slots=True)
class Project:
    """`rate_limit` is events a minute; None means as configured, 0 none. `is_restricted`: of the organization's members
    only those named see it."""

    id: int
    organization_id: int
    slug: str
    name: str
    platform: str
    rate_limit: int | None
    scrub_keys: tuple[str, ...]
    safe_keys: tuple[str, ...]
    created_at: int
    first_event_at: int | None = None
    deleted_at: int | None = None
    is_restricted: bool = False
    grouping_rules: str = ""
    rules_version: int = 0
    grouping_version: int = VERSION
    linked_version: int | None = None
    linked_until: int = 0

    def policy(self, now: int) -> Policy:
        """How the project groups what arrives at `now`."""
        linked = self.linked_version if now < self.linked_until else None
        return Policy(self.grouping_rules, self.grouping_version, linked)

    def short_id(self, number: int) -> str:
        """`SHOP-17`: how people name an issue."""
        return f"{self.slug.upper()}-{number}"


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """A DSN key: an identifier that is no secret. `expires_at` is set when it was rotated away."""

    id: int
    project_id: int
    public_key: str
    label: str
    rate_limit: int | None
    is_active: bool
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None

    def is_usable(self, now: int) -> bool:
        return self.is_active and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A `bw_live_…` key, a secret: only its hash is kept, and `hint`, its last four characters."""

    id: int
    project_id: int
    hint: str
    is_active: bool
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None

    def is_usable(self, now: int) -> bool:
        return self.is_active and (self.expires_at is None or now < self.expires_at)


def slugify(name: str) -> str:
    """Lowercase ASCII letters, digits and single hyphens, at most 50 characters; empty if nothing is left."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:50].strip("-")
