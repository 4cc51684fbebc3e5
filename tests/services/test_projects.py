"""Projects and their keys, as the door asks for them."""

from __future__ import annotations

import pytest

from bugwatch.domain.project import Project
from bugwatch.domain.site import Site
from bugwatch.services.projects import Projects
from bugwatch.storage import projects
from bugwatch.storage.database import Database, Reader
from tests.conftest import FakeClock


async def test_a_key_that_is_revoked_while_it_is_being_read_opens_nothing_afterwards(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Projects(db, clock, Site("http://localhost"))
    created = await service.create("Shop")
    key = created.dsn.partition("://")[2].partition("@")[0]
    get = projects.get

    async def and_meanwhile(tx: Reader, project_id: int) -> Project | None:
        found = await get(tx, project_id)
        monkeypatch.setattr(projects, "get", get)
        await service.delete(created.project)
        return found

    monkeypatch.setattr(projects, "get", and_meanwhile)
    await service.by_public_key(key)

    access = await service.by_public_key(key)
    assert access
    assert access.key
    assert not access.key.is_active
