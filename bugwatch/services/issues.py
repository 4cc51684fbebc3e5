"""What people do to issues: resolve, mute, reopen, delete."""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.account import Caller, Verb
from bugwatch.domain.errors import Conflict, Invalid, NotFound
from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.services.permissions import Permissions
from bugwatch.storage import issue_states, transitions
from bugwatch.storage.database import Database, Tx

# As many as a page can select, with room.
AT_ONCE = 200
NONE = "There is no such issue."


class Issues:
    def __init__(self, db: Database, ids: Ids, permissions: Permissions) -> None:
        self._db = db
        self._ids = ids
        self._permissions = permissions

    async def set_status(
        self, caller: Caller, issue_ids: Sequence[int], status: Status, project_id: int | None = None
    ) -> dict[int, Status]:
        """Those that changed, with the status each had before: what it takes to undo it. Issues of other projects than
        `project_id` (None: any), and those that the caller may not change, are left alone; NotFound if none is left."""
        if len(issue_ids) > AT_ONCE:
            raise Invalid(f"At most {AT_ONCE} issues can be changed at once.", "ids")
        allowed = await self._allowed(caller, Verb.EVENT_WRITE, project_id)

        async def work(tx: Tx) -> dict[int, Status]:
            found = [issue for issue in await issue_states.among(tx, issue_ids) if issue.project_id in allowed]
            if not found:
                raise NotFound(NONE)
            changed = await issue_states.set_status(tx, [issue.id for issue in found], status)
            done = [issue for issue in found if issue.id in changed]
            await transitions.add_by_hand(tx, done, status, caller.account.id, self._ids)
            return {issue.id: issue.status for issue in done}

        return await self._db.write(work)

    async def delete(self, caller: Caller, issue_id: int, project_id: int | None = None) -> None:
        """The issue is gone at once with those that were merged into it, and its rows go in small slices. An event that
        would have joined it begins a new one. Raises NotFound, also if it is not of that project (None: any), and
        Conflict if it was merged itself."""
        allowed = await self._allowed(caller, Verb.EVENT_ADMIN, project_id)

        async def work(tx: Tx) -> None:
            found = await issue_states.among(tx, [issue_id])
            if not found or found[0].project_id not in allowed:
                raise NotFound(NONE)
            if found[0].id != issue_id:
                raise Conflict("This issue was merged into another one. Take it out first, or delete that one.")
            await issue_states.delete(tx, issue_id)

        await self._db.write(work)

    async def _allowed(self, caller: Caller, verb: Verb, project_id: int | None) -> set[int]:
        seen = await self._permissions.projects(caller, verb)
        return {project.id for project in seen if project_id in (None, project.id)}
