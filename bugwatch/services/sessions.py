"""Signing in, and what lasts afterwards: a browser's session behind a cookie, an API client's behind a pair of tokens.

Both are rows, so that they can be listed and ended at once; the 15-minute JWT of an API client only points to its row.
Secrets are 256 random bits, of which SHA-256 is stored.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from bugwatch.domain import attempts
from bugwatch.domain.account import Account, Caller, Role, clean_email
from bugwatch.domain.attempts import network_of
from bugwatch.domain.clock import DAY, MINUTE, SECOND, Clock
from bugwatch.domain.errors import Invalid, Unauthenticated
from bugwatch.domain.password import LONGEST
from bugwatch.domain.secret import Secret, hash_of
from bugwatch.services.passwords import Passwords
from bugwatch.services.throttle import Counted, Throttle
from bugwatch.storage import accounts, sessions
from bugwatch.storage.accounts import Credentials
from bugwatch.storage.database import Database, Reader, Tx
from bugwatch.storage.sessions import SessionRow

log = logging.getLogger(__name__)

IDLE = 14 * DAY
ABSOLUTE = 90 * DAY
# How exactly "last seen" is kept: not every request is worth a write.
SEEN_STEP = 5 * MINUTE
ACCESS_TOKEN_LIFE = 15 * MINUTE
REFRESH_PREFIX = "bwr_"

WRONG = "This email and password do not fit together."
ENDED = "Your session has ended. Sign in again."


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. `device` is what `Sessions.device` gave this browser when it signed in before."""

    address: str
    user_agent: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `csrf_key` is only known to the server."""

    id: int
    account: Account
    roles: Mapping[int, Role]
    csrf_key: bytes

    @property
    def caller(self) -> Caller:
        return Caller(self.account, self.roles)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """`expires_in` is seconds, of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


class Sessions:
    def __init__(self, db: Database, clock: Clock, secret: Secret, passwords: Passwords, throttle: Throttle) -> None:
        self._db = db
        self._clock = clock
        self._secret = secret
        self._passwords = passwords
        self._throttle = throttle

    async def sign_in(self, email: str, password: str, client: Client) -> Account:
        """Whose email and password these are. Raises Unauthenticated with one sentence, after the same work, whatever
        is wrong (also for a disabled account), and RateLimited while it is too early for another attempt."""
        email = _known_form(email)
        counted = self._counted(email, client)
        await self._throttle.enter(*counted)
        async with self._db.read() as tx:
            found = await accounts.by_email(tx, email)
        if len(password) > LONGEST:
            found, password = None, password[:LONGEST]
        is_right = await self._passwords.fits(found.password_hash if found else None, password)
        if not found or not is_right or found.account.disabled_at:
            # Never what was typed: people type passwords into the wrong field.
            log.warning("A sign-in from %s failed.", client.address)
            raise Unauthenticated(WRONG)
        await self._throttle.forgive(*(c for c in counted if c[0] is not attempts.LOGIN_BY_NETWORK))
        await self._throttle.take_back(*(c for c in counted if c[0] is attempts.LOGIN_BY_NETWORK))
        await self._renew_hash(found, password)
        log.info("Account %d signed in from %s.", found.account.id, client.address)
        return found.account

    def device(self, email: str) -> str:
        """For a browser to keep that has just signed in: its later failures count for itself alone."""
        nonce = secrets.token_hex(16)
        return f"{nonce}.{self._device_mark(email, nonce)}"

    async def open(self, account_id: int, client: Client) -> str:
        """A new browser session; its secret, for the cookie."""
        token = secrets.token_urlsafe(32)
        await self._add(account_id, hash_of(token), None, client)
        return token

    async def find(self, token: str, address: str) -> Session | None:
        """The session that the cookie belongs to, if it has not ended and its account may be used."""
        async with self._db.read() as tx:
            row = await sessions.by_token(tx, hash_of(token))
            session = await self._session(tx, row) if row and not row.is_api else None
        if row and session:
            await self._touch(row, address)
        return session

    async def open_pair(self, account_id: int, client: Client) -> TokenPair:
        """A new session of an API client."""
        staying, rotating = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        session_id = await self._add(account_id, hash_of(staying), hash_of(rotating), client)
        return self._pair(account_id, session_id, staying, rotating)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """A new pair for a refresh token, which is then used up. One that was used before has been stolen, from us or
        from the thief: the session ends for both. Raises Unauthenticated."""
        staying, rotating = _halves(refresh_token)
        following = secrets.token_urlsafe(32)

        async def work(tx: Tx) -> SessionRow | None:
            row = await sessions.by_token(tx, hash_of(staying))
            if not row or not await self._session(tx, row):
                return None
            if not await sessions.rotate(tx, row.id, hash_of(rotating), hash_of(following)):
                await sessions.end(tx, row.account_id, row.id)
                log.warning("A refresh token of account %d was used twice: its session has ended.", row.account_id)
                return None
            return row

        row = await self._db.write(work)
        if not row:
            raise Unauthenticated(ENDED)
        return self._pair(row.account_id, row.id, staying, following)

    async def end_pair(self, refresh_token: str) -> None:
        """End the session that the refresh token belongs to, used up or not."""

        async def work(tx: Tx) -> None:
            row = await sessions.by_token(tx, hash_of(_halves(refresh_token)[0]))
            if row:
                await sessions.end(tx, row.account_id, row.id)

        await self._db.write(work)

    async def caller_of(self, access_token: str) -> Caller:
        """Who holds this access token. Raises Unauthenticated."""
        return (await self._session_of(access_token)).caller

    async def end_by_access_token(self, access_token: str) -> None:
        """End the session that the access token points to. Raises Unauthenticated."""
        session = await self._session_of(access_token)
        await self.end(session.account.id, session.id)

    async def _session_of(self, access_token: str) -> Session:
        try:
            # The time is ours to check: it comes in by the door.
            claims = jwt.decode(
                access_token,
                self._secret.key("jwt"),
                algorithms=["HS256"],
                options={"require": ["sub", "sid", "exp"], "verify_exp": False, "verify_iat": False},
            )
            session_id, expires_at = int(claims["sid"]), int(claims["exp"]) * SECOND
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthenticated("This access token is not one of ours.") from None
        if self._clock() >= expires_at:
            raise Unauthenticated("The access token has run out. Get a new one with the refresh token.")
        async with self._db.read() as tx:
            row = await sessions.get(tx, session_id)
            session = await self._session(tx, row) if row and row.is_api else None
        if not session:
            raise Unauthenticated(ENDED)
        return session

    async def of_account(self, account_id: int) -> list[SessionRow]:
        """What has not ended, the last used first."""
        async with self._db.read() as tx:
            return [row for row in await sessions.of_account(tx, account_id) if self._is_alive(row)]

    async def end(self, account_id: int, session_id: int) -> bool:
        """Whether the account had this session."""
        return await self._db.write(lambda tx: sessions.end(tx, account_id, session_id))

    async def end_others(self, account_id: int, keep: int) -> None:
        await self._db.write(lambda tx: sessions.end_all(tx, account_id, keep))

    def _counted(self, email: str, client: Client) -> list[Counted]:
        nonce, _, mark = client.device.partition(".")
        if nonce and secrets.compare_digest(mark.encode(), self._device_mark(email, nonce).encode()):
            return [(attempts.LOGIN_BY_DEVICE, nonce)]
        return [(attempts.LOGIN_BY_EMAIL, email), (attempts.LOGIN_BY_NETWORK, network_of(client.address))]

    def _device_mark(self, email: str, nonce: str) -> str:
        return self._secret.mark("device", f"{nonce} {email}").hex()

    async def _renew_hash(self, found: Credentials, password: str) -> None:
        if self._passwords.is_outdated(found.password_hash):
            renewed = await self._passwords.hash(password)
            await self._db.write(lambda tx: accounts.set_password(tx, found.account.id, renewed))

    async def _add(self, account_id: int, token_hash: bytes, rotating_hash: bytes | None, client: Client) -> int:
        async def work(tx: Tx) -> int:
            await sessions.forget(tx, account_id, tx.now - IDLE, tx.now - ABSOLUTE)
            await accounts.touch(tx, account_id)
            return await sessions.add(
                tx, account_id, token_hash, rotating_hash, _readable(client.user_agent), client.address
            )

        return await self._db.write(work)

    async def _session(self, tx: Reader, row: SessionRow) -> Session | None:
        found = await accounts.with_roles(tx, row.account_id) if self._is_alive(row) else None
        if not found or found[0].disabled_at:
            return None
        account, roles = found
        return Session(row.id, account, roles, self._secret.mark("csrf", f"session {row.id} {row.created_at}"))

    def _is_alive(self, row: SessionRow) -> bool:
        now = self._clock()
        return now - row.seen_at < IDLE and now - row.created_at < ABSOLUTE

    async def _touch(self, row: SessionRow, address: str) -> None:
        if self._clock() - row.seen_at < SEEN_STEP:
            return

        async def work(tx: Tx) -> None:
            await sessions.touch(tx, row.id, address)
            await accounts.touch(tx, row.account_id)

        await self._db.write(work)

    def _pair(self, account_id: int, session_id: int, staying: str, rotating: str) -> TokenPair:
        now = self._clock()
        claims = {
            "sub": str(account_id),
            "sid": session_id,
            "iat": now // SECOND,
            "exp": (now + ACCESS_TOKEN_LIFE) // SECOND,
            "jti": secrets.token_hex(8),
        }
        access_token = jwt.encode(claims, self._secret.key("jwt"), algorithm="HS256")
        return TokenPair(access_token, f"{REFRESH_PREFIX}{staying}.{rotating}", ACCESS_TOKEN_LIFE // SECOND)


def _halves(refresh_token: str) -> tuple[str, str]:
    """What stays and finds the session, and what changes."""
    staying, _, rotating = refresh_token.removeprefix(REFRESH_PREFIX).partition(".")
    return staying, rotating


def _known_form(email: str) -> str:
    """The email as accounts have it; empty if no account can have it."""
    try:
        return clean_email(email)
    except Invalid:
        return ""


def _readable(user_agent: str) -> str:
    """What a browser says of itself, fit to be stored and shown."""
    return "".join(c for c in user_agent[:300] if c.isprintable())
