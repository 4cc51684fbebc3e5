"""Everything that a door may use, in one typed bag. `main.build` fills it; `server.context.house` hands it out."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.clock import Clock
from bugwatch.domain.ids import Ids
from bugwatch.domain.site import Site
from bugwatch.services.projects import Projects
from bugwatch.storage.database import Database


@dataclass(slots=True, kw_only=True)
class House:
    site: Site
    db: Database
    clock: Clock
    ids: Ids
    projects: Projects
