"""What people do to issues: resolve, mute, reopen, delete."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.account import Caller, Verb
from bugwatch.domain.errors import Invalid, NotFound
from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.services.permissions import Permissions
from bugwatch.storage import issue_states, transitions
from bugwatch.storage.database import Database, Tx

# As many as a page can select, with room.
AT_ONCE = 200


class Issues:
    def __init__(self, db: Database, ids: Ids, permissions: Permissions) -> None:
        self._db = db
        self._ids = ids
        self._permissions = permissions

    async def set_status(self, caller: Caller, issue_ids: Sequence[int], status: Status) -> dict[int, Status]:
        """Those that changed, with the status each had before. Issues that the caller may not change are left alone;
        NotFound if that leaves none."""
        if len(issue_ids) > AT_ONCE:
            raise Invalid(f"At most {AT_ONCE} issues can be changed at once.", "id")
        allowed = {project.id for project in await self._permissions.projects(caller, Verb.EVENT_WRITE)}

        async def work(tx: Tx) -> dict[int, Status]:
            found = [issue for issue in await issue_states.among(tx, issue_ids) if issue.project_id in allowed]
            if not found:
                raise NotFound("There is no such issue.")
            changed = [issue for issue in found if issue.status != status]
            for issue in changed:
                await issue_states.set_status(tx, issue.id, status)
                await transitions.add_by_hand(
                    tx, self._ids.next(), issue.project_id, issue.id, status, caller.account.id
                )
            return {issue.id: issue.status for issue in changed}

        return await self._db.write(work)

    async def delete(self, caller: Caller, issue_id: int) -> None:
        """The issue is gone at once, and its rows go in small slices. An event that would have joined it begins a new
        one."""
        allowed = {project.id for project in await self._permissions.projects(caller, Verb.EVENT_ADMIN)}

        async def work(tx: Tx) -> None:
            found = await issue_states.among(tx, [issue_id])
            if not found or found[0].project_id not in allowed:
                raise NotFound("There is no such issue.")
            await issue_states.delete(tx, issue_id)

        await self._db.write(work)
