"""Projects and their keys, as the door asks for them."""

from __future__ import annotations

import asyncio
from typing import Self

import pytest

from bugwatch.domain.project import Project
from bugwatch.domain.site import Site
from bugwatch.services.instance import Instance
from bugwatch.services.projects import Access, Projects
from bugwatch.storage import projects
from bugwatch.storage.database import Database, Reader, Topic
from bugwatch.storage.postgres import PostgresDatabase
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


async def test_a_key_that_is_revoked_on_one_instance_opens_nothing_on_the_others(
    clock: FakeClock, migrated_postgres_url: str
) -> None:
    async with (
        PostgresHouse(migrated_postgres_url, clock) as here,
        PostgresHouse(migrated_postgres_url, clock) as there,
    ):
        await here.db.write(lambda tx: projects.add_organization(tx, "default", "Default"))
        created = await here.projects.create("Shop")
        key = created.dsn.partition("://")[2].partition("@")[0]
        assert is_open(await there.projects.by_public_key(key))

        await here.projects.delete(created.project)

        assert not is_open(await here.projects.by_public_key(key))
        await asyncio.wait_for(there.heard.wait(), 20)
        assert not is_open(await there.projects.by_public_key(key))


async def test_the_address_of_the_instance_changes_on_the_others_as_well(
    clock: FakeClock, migrated_postgres_url: str
) -> None:
    async with (
        PostgresHouse(migrated_postgres_url, clock) as here,
        PostgresHouse(migrated_postgres_url, clock) as there,
    ):
        await here.instance.set("https://bugs.example.com", "Europe/Paris")

        await asyncio.wait_for(there.heard.wait(), 20)
        await there.instance.loaded()
        assert (there.site.url, there.site.time_zone) == ("https://bugs.example.com", "Europe/Paris")


class PostgresHouse:
    """What one of several instances keeps in mind."""

    def __init__(self, url: str, clock: FakeClock) -> None:
        self._url = url
        self._clock = clock

    async def __aenter__(self) -> Self:
        self.db = await PostgresDatabase.open(self._url)
        self.site = Site("http://localhost", is_fixed=False)
        self.projects = Projects(self.db, self._clock, self.site)  # time stands still: nothing is read anew by itself
        self.instance = Instance(self.db, self.site)
        self.heard = asyncio.Event()
        for topic in Topic:
            self.db.listen(topic, self.heard.set)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.instance.loaded()
        await self.db.close()


def is_open(access: Access | None) -> bool:
    return bool(access and access.key and access.key.is_active)
