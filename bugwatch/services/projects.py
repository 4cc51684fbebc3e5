"""Projects and their keys: making, finding, rotating, removing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bugwatch.domain import source_link
from bugwatch.domain.clock import DAY, SECOND, Clock
from bugwatch.domain.errors import Conflict, Invalid
from bugwatch.domain.project import ApiKey, Project, ProjectKey, slugify
from bugwatch.domain.secret import hash_of
from bugwatch.domain.site import Site
from bugwatch.domain.source_link import SourceLink
from bugwatch.storage import projects, source_links
from bugwatch.storage.database import Database, Topic, Tx

API_KEY_PREFIX = "bw_live_"
# How long the door may go on using what it read of a key. A change is announced, and counts at once on all instances;
# this is for one that was cut off from the database when it happened.
KEY_LIFE = 5 * SECOND
KEYS_KEPT = 10_000

# How long the old key goes on working after a rotation, unless somebody says otherwise, and at most.
OVERLAP = DAY
LONGEST_OVERLAP = 30 * DAY
NAME_LENGTH = 100
SCRUB_NAMES = 100
HIGHEST_RATE = 10_000_000  # events a minute


@dataclass(frozen=True, slots=True)
class Created:
    """A new project with what is shown once: `api_key` is stored as a hash only."""

    project: Project
    dsn: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a DSN key or an API key opens: its project, and the key itself (None for an API key)."""

    project: Project
    key: ProjectKey | None


class Projects:
    def __init__(self, db: Database, clock: Clock, site: Site) -> None:
        self._db = db
        self._clock = clock
        self._site = site
        self._known: dict[str | bytes, tuple[int, Access | None]] = {}
        db.listen(Topic.PROJECTS, self._forget)

    async def create(self, name: str, platform: str = "other", organization_id: int | None = None) -> Created:
        """A new project with a DSN key and an API key, in the only organization unless one is named."""
        name, platform = _clean_name(name), _clean_platform(platform)
        # A name in another script has no letters that an address could show.
        slug = slugify(name) or f"project-{secrets.token_hex(3)}"
        public_key, api_key = _new_public_key(), _new_api_key()

        async def work(tx: Tx) -> Project:
            home = organization_id or await self._only_organization(tx)
            project = await projects.add(tx, home, slug, name, platform)
            await projects.add_key(tx, project.id, public_key, "Default")
            await projects.add_api_key(tx, project.id, hash_of(api_key), api_key[-4:])
            return project

        try:
            project = await self._db.write(work)
        except Conflict:
            raise Conflict(f"There is a project “{slug}” already.", "name") from None
        return Created(project, self._site.dsn(public_key, project.id), api_key)

    async def update(self, project: Project) -> Project:
        """Store changed settings: name, platform, limit and what is scrubbed. They count from the next event on."""
        clean = replace(
            project,
            name=_clean_name(project.name),
            platform=_clean_platform(project.platform),
            scrub_keys=_clean_names(project.scrub_keys, "scrub_keys"),
            safe_keys=_clean_names(project.safe_keys, "safe_keys"),
        )
        if clean.rate_limit is not None and not 0 <= clean.rate_limit <= HIGHEST_RATE:
            raise Invalid(f"A limit is 0 (none) to {HIGHEST_RATE:,} events a minute.", "rate_limit")
        await self._db.write(lambda tx: projects.update(tx, clean))
        return clean

    async def link_source(self, project: Project, link: SourceLink) -> None:
        """Store where the project's source code can be read. Raises Invalid."""
        clean = source_link.clean(link)
        await self._db.write(lambda tx: source_links.put(tx, project.id, clean))

    async def delete(self, project: Project) -> None:
        """It is gone for everybody at once, and its keys open nothing; its rows go in small slices."""
        await self._db.write(lambda tx: projects.delete(tx, project.id))

    async def rotate_key(self, project: Project, overlap_ms: int = OVERLAP) -> ProjectKey:
        """A new DSN key. All older ones expire after the overlap, at once if it is 0."""

        async def work(tx: Tx) -> ProjectKey:
            await projects.expire_keys(tx, project.id, tx.now + _clean_overlap(overlap_ms))
            return await projects.add_key(tx, project.id, _new_public_key(), "Default")

        return await self._db.write(work)

    async def rotate_api_key(self, project: Project, overlap_ms: int = OVERLAP) -> tuple[ApiKey, str]:
        """A new API key, and its secret, which cannot be shown again. As `rotate_key` for the older ones."""
        secret = _new_api_key()

        async def work(tx: Tx) -> ApiKey:
            await projects.expire_api_keys(tx, project.id, tx.now + _clean_overlap(overlap_ms))
            return await projects.add_api_key(tx, project.id, hash_of(secret), secret[-4:])

        return await self._db.write(work), secret

    def dsn(self, key: ProjectKey) -> str:
        return self._site.dsn(key.public_key, key.project_id)

    async def by_public_key(self, public_key: str) -> Access | None:
        """What a DSN key opens, or None. Read at most every `KEY_LIFE`."""
        return await self._find(public_key)

    async def by_api_key(self, api_key: str) -> Access | None:
        """What a `bw_live_…` key opens, or None. Read at most every `KEY_LIFE`."""
        return await self._find(hash_of(api_key))

    def _forget(self) -> None:
        self._known = {}  # a new one: who is reading just now keeps what it read in the old one

    async def _find(self, name: str | bytes) -> Access | None:
        known = self._known
        until, access = known.get(name, (0, None))
        if self._clock() < until:
            return access
        async with self._db.read() as tx:
            key = None
            if isinstance(name, str):
                key = await projects.key(tx, name)
                project_id = key.project_id if key else None
            else:
                project_id = await projects.project_of_api_key(tx, name)
            project = await projects.get(tx, project_id) if project_id else None
        access = Access(project, key) if project else None
        if len(known) >= KEYS_KEPT:  # somebody is guessing
            known.clear()
        known[name] = (self._clock() + KEY_LIFE, access)
        return access

    async def _only_organization(self, tx: Tx) -> int:
        found = await projects.organizations(tx)
        if len(found) > 1:
            raise Invalid("There are several organizations: name one.", "organization")
        if found:
            only: int = found[0]["id"]
            return only
        return await projects.add_organization(tx, "default", "Bugwatch")


def _new_public_key() -> str:
    return secrets.token_hex(16)


def _new_api_key() -> str:
    return API_KEY_PREFIX + secrets.token_urlsafe(24)


def _clean_name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > NAME_LENGTH or not name.isprintable() or not any(c.isalnum() for c in name):
        raise Invalid("A project's name needs 1 to 100 characters, with at least one letter or digit.", "name")
    return name


def _clean_platform(text: str) -> str:
    platform = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,49}", platform):
        raise Invalid("A platform is a word such as python, javascript or other.", "platform")
    return platform


def _clean_names(names: Sequence[str], field: str) -> tuple[str, ...]:
    """Names of fields, each once, without blanks around them."""
    clean = tuple(dict.fromkeys(name.strip() for name in names))
    if len(clean) > SCRUB_NAMES or not all(0 < len(name) <= NAME_LENGTH and name.isprintable() for name in clean):
        raise Invalid(f"List at most {SCRUB_NAMES} names of fields, of 1 to {NAME_LENGTH} characters each.", field)
    return clean


def _clean_overlap(overlap_ms: int) -> int:
    if not 0 <= overlap_ms <= LONGEST_OVERLAP:
        raise Invalid("Old keys can go on working for 0 to 30 days.", "overlap_hours")
    return overlap_ms
