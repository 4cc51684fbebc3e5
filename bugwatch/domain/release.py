"""Releases as build tools announce them: a version of some software, its commits, where it was deployed."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.errors import Invalid

VERSION_LENGTH = 250
DIST_LENGTH = 64
ENVIRONMENT_LENGTH = 64
TEXT_LENGTH = 1_000
COMMITS = 1_000

_IMPOSSIBLE = frozenset({".", "..", "latest"})


@dataclass(frozen=True, slots=True)
class Release:
    """`version` is what events name as their release. Instants in ms since 1970."""

    id: int
    organization_id: int
    version: str
    url: str
    ref: str
    created_at: int
    released_at: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    id: str
    repository: str
    author_name: str
    author_email: str
    message: str
    committed_at: int | None


@dataclass(frozen=True, slots=True)
class NewDeploy:
    environment: str
    name: str
    url: str
    started_at: int | None
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class Deploy:
    id: int
    environment: str
    name: str
    url: str
    started_at: int | None
    finished_at: int


def clean_version(text: str) -> str:
    """Without blanks around it. Raises Invalid for what no event can name (PROTOCOL §1.12)."""
    version = text.strip()
    if not version or len(version) > VERSION_LENGTH or not version.isprintable() or version in _IMPOSSIBLE:
        raise Invalid(f"A release has a name of 1 to {VERSION_LENGTH} readable characters.", "version")
    if "/" in version or "\\" in version:
        raise Invalid("The name of a release holds no slashes: neither SDKs nor sentry-cli send such a one.", "version")
    return version


def clean_dist(text: str) -> str:
    """Without blanks around it; may be empty."""
    dist = text.strip()
    if len(dist) > DIST_LENGTH or (dist and not dist.isprintable()):
        raise Invalid(f"A dist has at most {DIST_LENGTH} readable characters.", "dist")
    return dist
