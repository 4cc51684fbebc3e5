"""Who may do what, asked in one place: `domain/account.py` holds the table, this applies it to projects.

What somebody may not see is answered with NotFound, as if it did not exist; what they see but may not do, with
Forbidden.
"""

from __future__ import annotations

from collections.abc import Sequence

from bugwatch.domain.account import Caller, Verb, may
from bugwatch.domain.errors import Forbidden, Invalid, NotFound
from bugwatch.domain.project import Project
from bugwatch.storage import projects
from bugwatch.storage.database import Database

# What fits into a column: a larger number in an address is no reason for either database to complain.
LARGEST_ID = 2**63 - 1
MAY_NOT = "You may not do this. An owner or an admin of the organization can."


class Permissions:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def projects(self, caller: Caller, verb: Verb = Verb.PROJECT_READ) -> list[Project]:
        """All projects that the caller sees and may do this with, by name."""
        async with self._db.read() as tx:
            seen = await projects.of_account(tx, caller.account.id)
        return [
            project
            for project, is_listed in seen
            if _sees(caller, project, is_listed) and caller.may(verb, project.organization_id)
        ]

    async def project(self, caller: Caller, verb: Verb, project_id: int) -> Project:
        """The project, if the caller may do this with it. Raises NotFound or Forbidden."""
        if project_id > LARGEST_ID:
            raise NotFound("There is no such project.")
        async with self._db.read() as tx:
            seen = await projects.of_account(tx, caller.account.id, project_id)
        for project, is_listed in seen:
            if _sees(caller, project, is_listed):
                require(caller, verb, project.organization_id)
                return project
        raise NotFound("There is no such project.")


def require(caller: Caller, verb: Verb, organization_id: int) -> None:
    """Raises NotFound if the organization is not one of the caller's, Forbidden if they may not do this in it."""
    if organization_id not in caller.roles:
        raise NotFound("There is no such organization.")
    if not caller.may(verb, organization_id):
        raise Forbidden(MAY_NOT)


def organization_for(caller: Caller, verb: Verb, organization_id: int | None = None) -> int:
    """The organization that is meant: the one named, else the only one where the caller may do this. Raises Forbidden
    if there is none, Invalid if there are several."""
    if organization_id is not None:
        require(caller, verb, organization_id)
        return organization_id
    possible: Sequence[int] = [home for home in caller.roles if caller.may(verb, home)]
    if not possible:
        raise Forbidden(MAY_NOT)
    if len(possible) > 1:
        raise Invalid("You belong to several organizations: name one.", "organization_id")
    return possible[0]


def _sees(caller: Caller, project: Project, is_listed: bool | None) -> bool:
    """`is_listed`: whether the project's list of members names the caller; None if it is open to all."""
    # By role alone: the scopes of a token limit what is done, not what its owner sees.
    return is_listed is not False or may(caller.roles[project.organization_id], Verb.PROJECT_WRITE)
