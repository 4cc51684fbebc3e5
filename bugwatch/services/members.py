"""Who belongs to an organization, and with which role: invitations, changes, departures, lists of project members."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from bugwatch.domain.account import Account, Caller, Member, Role, Verb, clean_email, verb_over
from bugwatch.domain.clock import DAY
from bugwatch.domain.errors import Conflict, DeliveryFailed, Forbidden, Invalid, NotFound
from bugwatch.domain.project import Project
from bugwatch.domain.secret import hash_of
from bugwatch.domain.site import Site
from bugwatch.services.accounts import Accounts, accept
from bugwatch.services.mail import Mail
from bugwatch.services.permissions import require
from bugwatch.storage import accounts, invitations
from bugwatch.storage.database import Database, Reader, Tx
from bugwatch.storage.invitations import Invitation

INVITATION_DAYS = (1, 7, 30)


class Members:
    def __init__(self, db: Database, site: Site, mail: Mail, people: Accounts) -> None:
        self._db = db
        self._site = site
        self._mail = mail
        self._people = people

    async def of(self, caller: Caller, organization_id: int) -> list[Member]:
        """Everybody in the organization, by email."""
        require(caller, Verb.MEMBER_READ, organization_id)
        async with self._db.read() as tx:
            return await accounts.members(tx, organization_id)

    async def invited(self, caller: Caller, organization_id: int) -> list[Invitation]:
        """Who has been invited and has not come yet, newest first."""
        require(caller, Verb.MEMBER_WRITE, organization_id)
        async with self._db.read() as tx:
            return await invitations.of_organization(tx, organization_id)

    async def invite(
        self, caller: Caller, organization_id: int, role: Role, email: str = "", days: int = 7
    ) -> tuple[str, bool]:
        """The link, and whether it was mailed. With an email it is for that address alone, and replaces an older one;
        without, for whoever opens it first."""
        require(caller, verb_over(role), organization_id)
        email = clean_email(email) if email.strip() else ""
        if days not in INVITATION_DAYS:
            raise Invalid("An invitation is good for 1, 7 or 30 days.", "days")
        token = secrets.token_urlsafe(32)

        async def work(tx: Tx) -> str:
            members = await accounts.members(tx, organization_id)
            if email and any(member.account.email == email for member in members):
                raise Conflict(f"{email} belongs to the organization already.", "email")
            await invitations.forget(tx, organization_id)
            await invitations.add(
                tx, organization_id, email, role, hash_of(token), caller.account.id, tx.now + days * DAY
            )
            found = await invitations.by_token(tx, hash_of(token))
            assert found is not None
            return found.organization_name

        organization = await self._db.write(work)
        link = self._site.link(f"/invitation/{token}")
        return link, await self._mailed(email, organization, caller.account, link, days)

    async def withdraw(self, caller: Caller, organization_id: int, invitation_id: int) -> None:
        """Take an invitation back. Raises NotFound."""
        require(caller, Verb.MEMBER_WRITE, organization_id)

        async def work(tx: Tx) -> None:
            for invitation in await invitations.of_organization(tx, organization_id):
                if invitation.id == invitation_id:
                    require(caller, verb_over(invitation.role), organization_id)
                    await invitations.take(tx, invitation_id)
                    return
            raise NotFound("There is no such invitation.")

        await self._db.write(work)

    async def invitation(self, token: str) -> Invitation:
        """What a link invites to. Raises NotFound if it was used or has run out."""
        async with self._db.read() as tx:
            found = await invitations.by_token(tx, hash_of(token))
        if not found:
            raise NotFound("This invitation was used already, or has run out. Ask for a new one.")
        return found

    async def accept(self, account: Account, token: str) -> None:
        """Join the organization with an account that is there already."""

        async def work(tx: Tx) -> None:
            await accept(tx, token, account)

        await self._db.write(work)

    async def set_role(self, caller: Caller, organization_id: int, account_id: int, role: Role) -> None:
        """Raises Conflict for the last owner, Forbidden for what the caller may not give or take."""
        require(caller, verb_over(role), organization_id)

        async def work(tx: Tx) -> None:
            await self._changeable(tx, caller, organization_id, account_id, stays_owner=role is Role.OWNER)
            await accounts.set_role(tx, organization_id, account_id, role)

        await self._db.write(work)

    async def remove(self, caller: Caller, organization_id: int, account_id: int) -> None:
        """Anybody may leave, except a last owner; others are removed by those who may."""

        async def work(tx: Tx) -> None:
            await self._changeable(tx, caller, organization_id, account_id, stays_owner=False)
            await accounts.leave(tx, organization_id, account_id)

        await self._db.write(work)

    async def reset_link(self, caller: Caller, organization_id: int, account_id: int) -> str:
        """A link with which a member can set a new password, for the caller to pass on. Only for those whom the caller
        may change in every organization they belong to: it opens all of them."""
        async with self._db.read() as tx:
            member = await _member(tx, organization_id, account_id)
            roles = await accounts.roles(tx, account_id)
        require(caller, Verb.MEMBER_WRITE, organization_id)
        if not all(caller.may(verb_over(role), home) for home, role in roles.items()):
            raise Forbidden("You may not set a password for this person.")
        if member.account.disabled_at:
            raise Conflict("This account is disabled.")
        return await self._people.reset_link(member.account.email)

    async def project_members(self, caller: Caller, project: Project) -> list[int]:
        """The account ids that the project names; they count while it is restricted."""
        require(caller, Verb.PROJECT_ADMIN, project.organization_id)
        async with self._db.read() as tx:
            return await accounts.project_members(tx, project.id)

    async def set_project_members(
        self, caller: Caller, organization_id: int, project_id: int, account_ids: Sequence[int] | None
    ) -> None:
        """Name who of the organization's members sees the project; None: all of them. Owners and admins always do."""
        require(caller, Verb.PROJECT_ADMIN, organization_id)

        async def work(tx: Tx) -> None:
            known = {member.account.id for member in await accounts.members(tx, organization_id)}
            if not known.issuperset(account_ids or ()):
                raise NotFound("There is no such member.")
            await accounts.set_project_members(tx, project_id, account_ids)

        await self._db.write(work)

    async def _changeable(
        self, tx: Tx, caller: Caller, organization_id: int, account_id: int, *, stays_owner: bool
    ) -> None:
        """Let the change pass if the caller may make it, and an owner remains."""
        await accounts.hold_organization(tx, organization_id)
        member = await _member(tx, organization_id, account_id)
        if account_id != caller.account.id or stays_owner:
            require(caller, verb_over(member.role), organization_id)
        loses_owner = member.role is Role.OWNER and not stays_owner
        if loses_owner and not await accounts.has_other_owner(tx, organization_id, account_id):
            raise Conflict("The last owner stays. Make somebody else an owner first.")

    async def _mailed(self, email: str, organization: str, by: Account, link: str, days: int) -> bool:
        if not email or not self._mail.is_on:
            return False
        try:
            await self._mail.send(
                email, "invitation", organization=organization, by=by.name or by.email, link=link, days=days
            )
        except DeliveryFailed:
            return False  # the page shows the link, as it does without a mail server
        return True


async def _member(tx: Reader, organization_id: int, account_id: int) -> Member:
    for member in await accounts.members(tx, organization_id):
        if member.account.id == account_id:
            return member
    raise NotFound("There is no such member.")
