"""Projects and their keys: making, finding, rotating, removing."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from bugwatch.domain.clock import SECOND, Clock
from bugwatch.domain.errors import Conflict, Invalid
from bugwatch.domain.project import Project, ProjectKey, slugify
from bugwatch.domain.site import Site
from bugwatch.storage import projects
from bugwatch.storage.database import Database, Tx

API_KEY_PREFIX = "bw_live_"
# How long the door may go on using what it read of a key: a revoked key stops within this time on other instances,
# at once on this one.
KEY_LIFE = 5 * SECOND
KEYS_KEPT = 10_000


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

    async def create(self, name: str, platform: str = "other", organization_id: int | None = None) -> Created:
        """A new project with a DSN key and an API key, in the only organization unless one is named."""
        name = name.strip()
        slug = slugify(name)
        if not slug or len(name) > 100:
            raise Invalid("A project's name needs 1 to 100 characters, with at least one letter or digit.", "name")
        public_key = secrets.token_hex(16)
        api_key = API_KEY_PREFIX + secrets.token_urlsafe(24)

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

    async def by_public_key(self, public_key: str) -> Access | None:
        """What a DSN key opens, or None. Read at most every `KEY_LIFE`."""
        return await self._find(public_key)

    async def by_api_key(self, api_key: str) -> Access | None:
        """What a `bw_live_…` key opens, or None. Read at most every `KEY_LIFE`."""
        return await self._find(hash_of(api_key))

    def forget(self) -> None:
        """Read keys anew from now on: after one was changed."""
        self._known.clear()

    async def _find(self, name: str | bytes) -> Access | None:
        until, access = self._known.get(name, (0, None))
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
        if len(self._known) >= KEYS_KEPT:  # somebody is guessing
            self._known.clear()
        self._known[name] = (self._clock() + KEY_LIFE, access)
        return access

    async def _only_organization(self, tx: Tx) -> int:
        found = await projects.organizations(tx)
        if len(found) > 1:
            raise Invalid("There are several organizations: name one.", "organization")
        if found:
            only: int = found[0]["id"]
            return only
        return await projects.add_organization(tx, "default", "Bugwatch")


def hash_of(secret: str) -> bytes:
    """SHA-256: enough for a secret of 144 random bits (ASVS 6.5.2), where a password would need argon2."""
    return hashlib.sha256(secret.encode()).digest()
