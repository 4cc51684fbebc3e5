"""Merging issues that are one bug, and taking them apart again: exact, since nothing is moved (storage/merges.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.account import Caller, Verb
from bugwatch.domain.errors import Invalid, NotFound
from bugwatch.domain.ids import Ids
from bugwatch.domain.issue import Status
from bugwatch.services.issues import AT_ONCE, NONE
from bugwatch.services.permissions import Permissions
from bugwatch.storage import merges
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.merges import Held

MOST_MEMBERS = 200

# What stays open after a merge: an open issue must not vanish among the resolved ones.
_RANK = (Status.RESOLVED, Status.IGNORED, Status.UNRESOLVED)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: `moved` are the issues that have the root now. `undo_id` takes it back."""

    root_id: int
    moved: list[int]
    undo_id: int


class Merging:
    def __init__(self, db: Database, ids: Ids, permissions: Permissions) -> None:
        self._db = db
        self._ids = ids
        self._permissions = permissions

    async def merge(
        self, caller: Caller, issue_ids: Sequence[int], into: int | None = None, project_id: int | None = None
    ) -> Merged:
        """Merge issues of one project into the one named, else into the one with the most events (an unresolved one if
        there is any), else the oldest. In the place of a member stands its root. Raises NotFound for issues that the
        caller may not change or that are not of that project (None: any), Invalid if there is nothing to merge."""
        asked = [*issue_ids, *([into] if into is not None else [])]
        if len(asked) > AT_ONCE:
            raise Invalid(f"At most {AT_ONCE} issues can be merged at once.", "ids")
        allowed = await self._allowed(caller, project_id)

        async def work(tx: Tx) -> Merged:
            known = await merges.roots(tx, asked)
            held = [root for root in await merges.hold(tx, asked) if root.project_id in allowed]
            if not held or (into is not None and known.get(into) not in {root.id for root in held}):
                raise NotFound(NONE)
            if len({root.project_id for root in held}) > 1:
                raise Invalid("Only issues of one project can be merged.", "ids")
            if len(held) < 2:
                raise Invalid("Select at least two different issues to merge.", "ids")
            root_id = known[into] if into is not None else max(held, key=_prominence).id
            moved = await merges.merge(tx, root_id, [root.id for root in held if root.id != root_id])
            if len(await merges.families(tx, [root_id])) > MOST_MEMBERS + 1:
                raise Invalid(f"At most {MOST_MEMBERS} issues can be merged into one.", "ids")
            account_id = caller.account.id
            undo_id = await merges.note(tx, "merged", held[0].project_id, root_id, moved, account_id, self._ids)
            return Merged(root_id, moved, undo_id)

        return await self._db.write(work)

    async def unmerge(
        self, caller: Caller, root_id: int, issue_ids: Sequence[int] | None = None, project_id: int | None = None
    ) -> list[int]:
        """Take members (None: all) out of a root; the ids of those that were. Each has the root's state from now on,
        and the events, users and numbers that are its own. Raises NotFound if none of them is its member."""
        allowed = await self._allowed(caller, project_id)

        async def work(tx: Tx) -> list[int]:
            root = await self._held(tx, root_id, allowed)
            wanted = [member.id for member in await merges.members(tx, root.id)] if issue_ids is None else issue_ids
            freed = await merges.unmerge(tx, root.id, wanted)
            if not freed:
                raise NotFound("None of these issues is merged into this one.")
            await merges.note(tx, "unmerged", root.project_id, root.id, freed, caller.account.id, self._ids)
            return freed

        return await self._db.write(work)

    async def undo(self, caller: Caller, root_id: int, undo_id: int) -> list[int]:
        """Take a merge back, as if it had not been: each issue has its own state again, or the root that it had before.
        What has been merged or deleted since stays as it is. Raises NotFound if nothing is left to take back."""
        allowed = await self._allowed(caller, None)

        async def work(tx: Tx) -> list[int]:
            root = await self._held(tx, root_id, allowed)
            freed = await merges.undo(tx, root.id, undo_id)
            if not freed:
                raise NotFound("There is nothing to take back.")
            for former in sorted({former or 0 for former in freed.values()}):
                members = [issue_id for issue_id, was in freed.items() if (was or 0) == former]
                kind, other = ("merged", former) if former else ("unmerged", root.id)
                await merges.note(tx, kind, root.project_id, other, members, caller.account.id, self._ids)
            return sorted(freed)

        return await self._db.write(work)

    async def _held(self, tx: Tx, root_id: int, allowed: set[int]) -> Held:
        held = await merges.hold(tx, [root_id])
        if not held or held[0].id != root_id or held[0].project_id not in allowed:
            raise NotFound(NONE)
        return held[0]

    async def _allowed(self, caller: Caller, project_id: int | None) -> set[int]:
        seen = await self._permissions.projects(caller, Verb.EVENT_WRITE)
        return {project.id for project in seen if project_id in (None, project.id)}


def _prominence(root: Held) -> tuple[int, int, int]:
    return _RANK.index(root.status), root.event_count, -root.id
