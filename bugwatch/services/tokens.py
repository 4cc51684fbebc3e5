"""Personal tokens for scripts: made once, shown once, limited by scopes and by what their owner may."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from bugwatch.domain.account import Caller, clean_email, clean_name, scopes_of
from bugwatch.domain.clock import HOUR
from bugwatch.domain.errors import Invalid, NotFound, Unauthenticated
from bugwatch.domain.secret import hash_of
from bugwatch.domain.token import is_token, token_from
from bugwatch.storage import accounts, tokens
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.tokens import Token

# How exactly "last used" is kept: not every request is worth a write.
USED_STEP = HOUR


class Tokens:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, email: str, scopes: Sequence[str], name: str = "", expires_at: int | None = None) -> str:
        """The new token, which cannot be shown again. Raises Invalid for an unknown scope, NotFound for the email."""
        scopes = tuple(dict.fromkeys(scopes))
        scopes_of(scopes)
        name = clean_name(name)
        email = clean_email(email)
        token = token_from(secrets.randbits(192))

        async def work(tx: Tx) -> None:
            if expires_at is not None and expires_at <= tx.now:
                raise Invalid("A token must run out in the future.", "expires_at")
            found = await accounts.by_email(tx, email)
            if not found:
                raise NotFound(f"There is no account with the email {email}.")
            await tokens.add(tx, found.account.id, name, hash_of(token), token[-4:], tuple(scopes), expires_at)

        await self._db.write(work)
        return token

    async def caller_of(self, token: str) -> Caller:
        """Who uses this token. Raises Unauthenticated."""
        async with self._db.read() as tx:
            found = await tokens.by_hash(tx, hash_of(token)) if is_token(token) else None
            owner = await accounts.with_roles(tx, found.account_id) if found else None
            now = tx.now
        if not found or not owner or owner[0].disabled_at:
            raise Unauthenticated("This token is not, or no longer, valid.")
        if found.used_at is None or now - found.used_at >= USED_STEP:
            await self._db.write(lambda tx: tokens.touch(tx, found.id))
        return Caller(*owner, scopes_of(found.scopes))

    async def of_account(self, account_id: int) -> list[Token]:
        """Newest first."""
        async with self._db.read() as tx:
            return await tokens.of_account(tx, account_id)

    async def revoke(self, account_id: int, token_id: int) -> None:
        """Raises NotFound if the account has no such token."""
        if not await self._db.write(lambda tx: tokens.remove(tx, account_id, token_id)):
            raise NotFound("There is no such token.")
