"""What the set-up page sets for the whole instance, where the configuration leaves it open: address and time zone."""

from __future__ import annotations

import asyncio
import logging
import re
from zoneinfo import available_timezones

from bugwatch.domain.errors import BugwatchError, Conflict, Invalid, NotFound
from bugwatch.domain.site import Site
from bugwatch.storage import projects, settings
from bugwatch.storage.database import Database, Topic, Tx

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]{1,253})(:(?P<port>\d{1,5}))?")
URL, TIME_ZONE = "base_url", "time_zone"


class Instance:
    def __init__(self, db: Database, site: Site) -> None:
        self._db = db
        self._site = site
        self._loading: asyncio.Task[None] | None = None
        db.listen(Topic.INSTANCE, self._load_soon)

    async def load(self) -> None:
        """Let what was set before take effect. Called at start."""
        async with self._db.read() as tx:
            url, zone = await settings.get(tx, URL), await settings.get(tx, TIME_ZONE)
        self._apply(url, zone)

    async def loaded(self) -> None:
        """Wait until what another instance set has taken effect here, as far as it was heard of."""
        if self._loading:
            await self._loading

    async def home(self) -> int:
        """The organization that runs this instance: the oldest. Raises NotFound before the first account is made."""
        async with self._db.read() as tx:
            found = await projects.organizations(tx)
        if not found:
            raise NotFound("There is no organization yet.")
        oldest: int = found[0]["id"]
        return oldest

    async def set(self, url: str, time_zone: str) -> None:
        """Take effect now, and at every start. Raises Invalid, and Conflict if the configuration fixes the address."""
        url = url.strip().rstrip("/")
        is_moving = url != self._site.url
        if is_moving and self._site.is_fixed:
            raise Conflict("The address is set by BUGWATCH_BASE_URL.", "url")
        if is_moving and not _is_address(url):
            raise Invalid("An address looks like https://bugs.example.com, without a path behind it.", "url")
        if time_zone not in available_timezones():
            raise Invalid("There is no such time zone.", "time_zone")

        async def work(tx: Tx) -> None:
            if is_moving:
                await settings.put(tx, URL, url)
            await settings.put(tx, TIME_ZONE, time_zone)
            await tx.announce(Topic.INSTANCE)

        await self._db.write(work)
        self._apply(url, time_zone)

    def _load_soon(self) -> None:
        async def load() -> None:
            try:
                await self.load()
            except BugwatchError as error:
                log.warning("The settings of the instance were changed, and cannot be read now: %s", error)

        self._loading = asyncio.create_task(load())

    def _apply(self, url: str | None, time_zone: str | None) -> None:
        if url and not self._site.is_fixed:
            self._site.url = url
        if time_zone:
            self._site.time_zone = time_zone


def _is_address(url: str) -> bool:
    found = _ADDRESS.fullmatch(url)
    return found is not None and int(found["port"] or 0) <= 65_535
