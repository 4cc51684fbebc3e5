"""Accounts: how they come about, their password, and their end."""

from __future__ import annotations

import secrets

from bugwatch.domain import attempts
from bugwatch.domain.account import Account, Role, clean_email, clean_name
from bugwatch.domain.attempts import network_of
from bugwatch.domain.clock import HOUR
from bugwatch.domain.errors import Conflict, Forbidden, Invalid, NotFound
from bugwatch.domain.password import check
from bugwatch.domain.project import slugify
from bugwatch.domain.secret import hash_of
from bugwatch.domain.site import Site
from bugwatch.services.mail import Mail
from bugwatch.services.passwords import Passwords
from bugwatch.services.throttle import Throttle
from bugwatch.storage import accounts, invitations, password_links, projects, sessions, settings
from bugwatch.storage.accounts import Credentials
from bugwatch.storage.database import Database, Reader, Tx

LINK_LIFE = HOUR
# One for each instance: the token that any of them printed is good.
SETUP_TOKEN = "setup_token."  # noqa: S105 - a setting's name

USED_UP = "This link was used already, or has run out. Ask for a new one."


class Accounts:
    def __init__(
        self,
        db: Database,
        site: Site,
        passwords: Passwords,
        throttle: Throttle,
        mail: Mail,
        *,
        is_open: bool = False,
    ) -> None:
        self._db = db
        self._site = site
        self._passwords = passwords
        self._throttle = throttle
        self._mail = mail
        self.is_open = is_open

    # How they come about

    async def setup_token(self) -> str | None:
        """A new token that lets its holder make the first account; None once there is one. Called at start: whoever can
        read the console owns the machine. The token of an earlier start no longer works."""
        token = secrets.token_urlsafe(24)

        async def work(tx: Tx) -> bool:
            if await accounts.is_any(tx):
                return False
            await settings.put(tx, f"{SETUP_TOKEN}{self._db.instance}", hash_of(token).hex())
            return True

        return token if await self._db.write(work) else None

    async def is_setup_token(self, token: str) -> bool:
        """Whether the first account can be made with it now."""
        async with self._db.read() as tx:
            return not await accounts.is_any(tx) and hash_of(token).hex() in await settings.values(tx, SETUP_TOKEN)

    async def is_any(self) -> bool:
        async with self._db.read() as tx:
            return await accounts.is_any(tx)

    async def create_user(self, email: str, password: str, role: Role = Role.MEMBER, *, name: str = "") -> Account:
        """The operator's way. The first account owns the first organization whatever `role` says; others join it."""
        email, name, password_hash = await self._prepared(email, name, password)

        async def work(tx: Tx) -> Account:
            is_first = not await accounts.is_any(tx)
            account = await self._add(tx, email, name, password_hash)
            home = await self._first_organization(tx)
            await accounts.join(tx, home, account.id, Role.OWNER if is_first else role)
            await settings.remove(tx, SETUP_TOKEN)
            return account

        return await self._db.write(work)

    async def set_up(self, email: str, password: str, setup_token: str, *, name: str = "") -> Account:
        """The first account, which owns the first organization. Raises Forbidden without the token that the console
        shows; it works once."""
        if not await self.is_setup_token(setup_token):
            raise Forbidden("The first account needs the set-up link that Bugwatch printed when it started.")
        email, name, password_hash = await self._prepared(email, name, password)

        async def work(tx: Tx) -> Account:
            if await accounts.is_any(tx) or not await settings.take(tx, SETUP_TOKEN, hash_of(setup_token).hex()):
                raise Forbidden("Somebody else has made the first account meanwhile. Sign in.")
            account = await self._add(tx, email, name, password_hash)
            await accounts.join(tx, await self._first_organization(tx), account.id, Role.OWNER)
            await settings.remove(tx, SETUP_TOKEN)
            return account

        return await self._db.write(work)

    async def sign_up(
        self, email: str, password: str, address: str, *, name: str = "", invitation: str = ""
    ) -> Account:
        """By invitation, into its organization with its role; or, where registration is open, with an organization of
        one's own, so that a stranger sees nothing of anybody else. That an email has an account already is said here:
        there is no mail server to say it to its owner instead; the network's patience keeps lists from being tried."""
        if not invitation and not self.is_open:
            raise Forbidden("New accounts need an invitation here. Ask whoever runs this Bugwatch for a link.")
        await self._throttle.enter((attempts.SIGNUP_BY_NETWORK, network_of(address)))
        email, name, password_hash = await self._prepared(email, name, password)

        async def work(tx: Tx) -> Account:
            if not await accounts.is_any(tx):
                raise Forbidden("The first account needs the set-up link that Bugwatch printed when it started.")
            account = await self._add(tx, email, name, password_hash)
            if invitation:
                await accept(tx, invitation, account)
            else:
                mailbox = email.partition("@")[0]
                slug = f"{slugify(mailbox) or 'organization'}-{secrets.token_hex(4)}"
                own = await projects.add_organization(tx, slug, name or mailbox)
                await accounts.join(tx, own, account.id, Role.OWNER)
            return account

        return await self._db.write(work)

    # What becomes of them

    async def list(self) -> list[Account]:
        """All, oldest first."""
        async with self._db.read() as tx:
            return await accounts.all_accounts(tx)

    async def rename(self, email: str, name: str) -> None:
        name = clean_name(name)

        async def work(tx: Tx) -> None:
            await accounts.rename(tx, (await _known(tx, email)).account.id, name)

        await self._db.write(work)

    async def set_password(self, email: str, password: str, *, keep_session: int = 0) -> None:
        """The operator's way, and the last step of the others. Ends all sessions but `keep_session`, and all links."""
        check(password, email)
        password_hash = await self._passwords.hash(password)

        async def work(tx: Tx) -> None:
            found = await _known(tx, email)
            await self._set_password(tx, found.account.id, password_hash, keep_session)

        await self._db.write(work)

    async def change_password(self, email: str, old: str, new: str, *, keep_session: int) -> None:
        """One's own. Raises Invalid if `old` is wrong: a session that was left open must not be enough."""
        async with self._db.read() as tx:
            found = await _known(tx, email)
        counted = (attempts.LOGIN_BY_DEVICE, f"account {found.account.id}")
        await self._throttle.enter(counted)
        if not await self._passwords.fits(found.password_hash, old):
            raise Invalid("That is not your present password.", "old_password")
        await self._throttle.forgive(counted)
        await self.set_password(email, new, keep_session=keep_session)

    async def disable(self, email: str) -> None:
        """It cannot sign in, and its sessions and links end now; its tokens rest. Raises Conflict for a last owner."""

        async def work(tx: Tx) -> None:
            account = (await _known(tx, email)).account
            for organization_id, role in (await accounts.roles(tx, account.id)).items():
                await accounts.hold_organization(tx, organization_id)
                if role is Role.OWNER and not await accounts.has_other_owner(tx, organization_id, account.id):
                    raise Conflict(f"{account.email} is the only owner. Make somebody else an owner first.")
            await accounts.disable(tx, account.id)
            await sessions.end_all(tx, account.id)
            await password_links.remove_all(tx, account.id)

        await self._db.write(work)

    async def enable(self, email: str) -> None:
        async def work(tx: Tx) -> None:
            await accounts.enable(tx, (await _known(tx, email)).account.id)

        await self._db.write(work)

    # Links that set a password

    async def reset_link(self, email: str) -> str:
        """A link for somebody to set a new password with: once, within an hour. Raises NotFound."""
        token = secrets.token_urlsafe(32)

        async def work(tx: Tx) -> None:
            found = await _known(tx, email)
            await password_links.add(tx, found.account.id, hash_of(token), tx.now + LINK_LIFE)

        await self._db.write(work)
        return self._site.link(f"/reset/{token}")

    async def send_reset_link(self, email: str, address: str) -> None:
        """Mail the link, if there is such an account. What the caller gets, and when, never tells whether there is."""
        try:
            email = clean_email(email)
        except Invalid:
            return
        await self._throttle.enter((attempts.RESET_BY_EMAIL, email), (attempts.RESET_BY_NETWORK, network_of(address)))
        self._mail.start(self._mail_reset_link(email))

    async def _mail_reset_link(self, email: str) -> None:
        async with self._db.read() as tx:
            found = await accounts.by_email(tx, email)
        if found and not found.account.disabled_at:
            link = await self.reset_link(found.account.email)
            await self._mail.send(found.account.email, "reset", link=link)

    async def of_reset_link(self, token: str) -> Account:
        """Whose password the link sets. Raises NotFound if it was used or has run out."""
        async with self._db.read() as tx:
            account_id = await password_links.account(tx, hash_of(token))
            account = await accounts.get(tx, account_id) if account_id else None
        if not account or account.disabled_at:
            raise NotFound(USED_UP)
        return account

    async def reset(self, token: str, password: str) -> Account:
        """Set the password by a link, which is used up; every session of the account ends."""
        account = await self.of_reset_link(token)
        check(password, account.email)
        password_hash = await self._passwords.hash(password)

        async def work(tx: Tx) -> bool:
            if await password_links.take(tx, hash_of(token)) != account.id:
                return False
            await self._set_password(tx, account.id, password_hash)
            return True

        if not await self._db.write(work):
            raise NotFound(USED_UP)
        return account

    async def _prepared(self, email: str, name: str, password: str) -> tuple[str, str, str]:
        email, name = clean_email(email), clean_name(name)
        check(password, email)
        return email, name, await self._passwords.hash(password)

    async def _add(self, tx: Tx, email: str, name: str, password_hash: str) -> Account:
        if await accounts.by_email(tx, email):
            raise Conflict(f"There is an account for {email} already.", "email")
        return await accounts.add(tx, email, name, password_hash)

    async def _first_organization(self, tx: Tx) -> int:
        found = await projects.organizations(tx)
        if found:
            first: int = found[0]["id"]
            return first
        return await projects.add_organization(tx, "default", "Bugwatch")

    async def _set_password(self, tx: Tx, account_id: int, password_hash: str, keep_session: int = 0) -> None:
        await accounts.set_password(tx, account_id, password_hash)
        await sessions.end_all(tx, account_id, keep_session)
        await password_links.remove_all(tx, account_id)


async def accept(tx: Tx, token: str, account: Account) -> int:
    """Use up an invitation for this account; the organization that it joins. Raises NotFound, Forbidden or Conflict."""
    found = await invitations.by_token(tx, hash_of(token))
    if not found or not await invitations.take(tx, found.id):
        raise NotFound("This invitation was used already, or has run out. Ask for a new one.")
    if found.email and found.email != account.email:
        raise Forbidden(f"This invitation is for {found.email}.")
    if found.organization_id in await accounts.roles(tx, account.id):
        raise Conflict(f"You belong to {found.organization_name} already.")
    await accounts.join(tx, found.organization_id, account.id, found.role)
    return found.organization_id


async def _known(tx: Reader, email: str) -> Credentials:
    found = await accounts.by_email(tx, clean_email(email))
    if not found:
        raise NotFound(f"There is no account with the email {clean_email(email)}.")
    return found
