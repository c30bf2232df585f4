"""Rules for logins: sessions, tokens and passwords.

These commands open their own short transactions: none may stay open during hashing, and a refresh token that is used
twice ends its session although the answer is an error.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.audit.activity import ActivityLog
from shared.audit.concerned import concerns
from shared.clock import Clock
from shared.database import Database
from shared.ids import new_id
from shared.web.identity import PersonIdentity
from users.accounts.errors import AccountDeactivated
from users.accounts.mail_repository import AccountMailRepository
from users.accounts.queries import AccountQueries
from users.accounts.repository import AccountRepository
from users.accounts.schemas import normalised_login
from users.auth.attempts import SignInAttempts
from users.auth.denylist import Denylist
from users.auth.errors import LoginFailed, RefreshRefused, SessionNotFound
from users.auth.passwords import Passwords
from users.auth.people import PersonAuthenticator
from users.auth.repository import SessionQueries, SessionRepository
from users.auth.schemas import ChangePassword, Client, Login, SessionList, Tokens
from users.auth.tokens import AccessTokens, RefreshTokens

OVER_KEPT: Final = timedelta(days=30)
"""Time for which an ended session is stored, to detect the reuse of its tokens."""
REMOVED_AT_ONCE: Final = 5_000


class Sessions:
    """Ends people's sessions in the open transaction, for accounts."""

    def __init__(self, *, sessions: SessionRepository, authenticator: PersonAuthenticator, clock: Clock) -> None:
        self._sessions = sessions
        self._authenticator = authenticator
        self._clock = clock

    async def end_all(self, user_id: UUID, *, because: str) -> None:
        """End every session of a person: at once in this process, within two seconds in the others."""
        await self._sessions.revoke(user_id, because=because, now=self._clock.now())
        self._authenticator.forget(user_id=user_id)


class AuthService:
    """Logins, refreshes, logouts and changes of passwords."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountQueries,
        account_repository: Callable[[], AccountRepository],
        account_mails: Callable[[], AccountMailRepository],
        sessions: Callable[[], SessionRepository],
        session_queries: SessionQueries,
        activity: Callable[[], ActivityLog],
        passwords: Passwords,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        attempts: SignInAttempts,
        denylist: Denylist,
        authenticator: PersonAuthenticator,
        clock: Clock,
        session_lifetime: timedelta,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._account_repository = account_repository
        self._account_mails = account_mails
        self._sessions = sessions
        self._session_reader = session_queries
        self._activity = activity
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._attempts = attempts
        self._denylist = denylist
        self._authenticator = authenticator
        self._clock = clock
        self._session_lifetime = session_lifetime

    async def login(self, given: Login, client: Client) -> tuple[Tokens, Mapping[str, str]]:
        """Log in. Returns the tokens of a new session and the `RateLimit-*` headers.

        Raises LoginFailed, AccountDeactivated, TooManyAttempts, or Unavailable.
        """
        login = normalised_login(given.login)
        known = await self._accounts.credentials(login)
        headers = await self._attempts.count_login(client.address, login=login)
        password_hash = known.password_hash if known else None
        concerns(known.user_id if known else None)
        verified = await self._passwords.verified(password_hash, given.password)
        if not verified or known is None or password_hash is None:
            structlog.get_logger(__name__).info("login_failed", user_id=str(known.user_id) if known else None)
            raise LoginFailed(headers)
        if known.deactivated:
            raise AccountDeactivated
        outdated = self._passwords.outdated(password_hash)
        fresh_hash = await self._passwords.hashed(given.password) if outdated else None
        await self._attempts.reset_failures(client.address, login=login)
        return await self.open_session(known.user_id, password_hash, client, fresh_hash=fresh_hash), headers

    async def refresh(self, token: str) -> Tokens:
        """Return new tokens for the newest refresh token. A token that was used before ends the session.

        Raises RefreshRefused, or Unauthenticated for an invalid token.
        """
        session_id = self._refresh_tokens.session_of(token)
        next_token = self._refresh_tokens.issue(session_id)
        async with self._database.unit_of_work():
            rotated = await self._sessions().rotate(
                session_id,
                digest=self._refresh_tokens.digest(token),
                next_digest=self._refresh_tokens.digest(next_token),
                secret_id=self._refresh_tokens.secret_id,
                now=self._clock.now(),
            )
            if rotated is not None and not rotated[1]:
                await self._activity().record(
                    "auth.refresh_token_reused", subject="session", subject_id=session_id, user_id=rotated[0]
                )
        if rotated is None:
            raise RefreshRefused("This session has ended; log in again.")
        user_id, goes_on, expires_at = rotated
        concerns(user_id)
        if not goes_on:
            structlog.get_logger(__name__).warning(
                "refresh_token_reused", user_id=str(user_id), session_id=str(session_id)
            )
            self._authenticator.forget(session_id=session_id)
            raise RefreshRefused("This refresh token was used before, so its session was ended; log in again.")
        return self._tokens(user_id, session_id, next_token, expires_at)

    async def logout(self, who: PersonIdentity) -> None:
        """End the session of this request, its access token included."""
        await self._end(who, because="logged out", only=who.session_id)
        await self._denylist.deny(who.token_id)

    async def logout_all(self, who: PersonIdentity) -> int:
        """End every session of the person. Returns how many ended."""
        ended = await self._end(who, because="logged out everywhere")
        await self._denylist.deny(who.token_id)
        return ended

    async def sessions(self, who: PersonIdentity) -> SessionList:
        """Return the person's sessions that have not ended, last used first."""
        now = self._clock.now()
        return SessionList(items=await self._session_reader.sessions(who.user_id, current=who.session_id, now=now))

    async def end_session(self, who: PersonIdentity, session_id: UUID) -> None:
        """End one session of the person. Raises SessionNotFound."""
        if not await self._end(who, because="ended by its owner", only=session_id):
            raise SessionNotFound("You have no such session, or it has already ended.")

    async def change_password(self, who: PersonIdentity, given: ChangePassword) -> int:
        """Change the password, end all other sessions, and drop an unconfirmed address.

        Returns how many sessions ended. Raises LoginFailed or TooManyAttempts.
        """
        verified_hash = await self.check_password(who, given.current_password)
        new_hash = await self._passwords.hashed(given.new_password)
        async with self._database.unit_of_work():
            now = self._clock.now()
            if not await self._account_repository().replace_password(who.user_id, verified_hash, new_hash, now=now):
                raise LoginFailed  # the password changed meanwhile
            if not await self._sessions().goes_on(who.session_id, who.user_id, now=now):
                raise LoginFailed  # the session ended meanwhile
            await self._account_mails().drop_confirmation(who.user_id)
            ended = await self._sessions().revoke(who.user_id, because="password changed", now=now, but=who.session_id)
            await self._activity().record(
                "auth.password_changed", subject="user", subject_id=who.user_id, user_id=who.user_id, actor=who
            )
        self._authenticator.forget(user_id=who.user_id)
        return ended

    async def check_password(self, who: PersonIdentity, given: str) -> str | None:
        """Verify a password and return its stored hash. Raises LoginFailed or TooManyAttempts."""
        await self._attempts.count_own(who.user_id)
        password_hash = await self._accounts.password_hash(who.user_id)
        if not await self._passwords.verified(password_hash, given):
            raise LoginFailed
        return password_hash

    async def remove_over(self) -> int:
        """Delete sessions that ended over 30 days ago, and expired codes and links. Returns how many sessions."""
        now = self._clock.now()
        async with self._database.unit_of_work():
            await self._account_repository().remove_expired_codes(now=now)
            await self._account_mails().remove_expired(now=now)
        return await self._database.in_batches(
            lambda _session: self._sessions().remove_over(before=now - OVER_KEPT, limit=REMOVED_AT_ONCE),
            size=REMOVED_AT_ONCE,
        )

    async def open_session(
        self, user_id: UUID, password_hash: str, client: Client, *, fresh_hash: str | None = None
    ) -> Tokens:
        """Open a session for an account whose password was just verified against, or set as, `password_hash`.

        `fresh_hash` replaces the hash. Raises LoginFailed.
        """
        session_id = new_id()
        token = self._refresh_tokens.issue(session_id)
        now = self._clock.now()
        expires_at = now + self._session_lifetime
        async with self._database.unit_of_work():
            opened = await self._sessions().open(
                session_id,
                user_id,
                digest=self._refresh_tokens.digest(token),
                secret_id=self._refresh_tokens.secret_id,
                password_hash=password_hash,
                now=now,
                expires_at=expires_at,
                client=(client.user_agent, client.address),
            )
            if not opened:
                raise LoginFailed  # deactivated, or the password changed, since it was verified
            if fresh_hash is not None:
                await self._account_repository().replace_password(user_id, password_hash, fresh_hash)
            await self._activity().record("auth.logged_in", subject="session", subject_id=session_id, user_id=user_id)
        return self._tokens(user_id, session_id, token, expires_at)

    async def _end(self, who: PersonIdentity, *, because: str, only: UUID | None = None) -> int:
        async with self._database.unit_of_work():
            ended = await self._sessions().revoke(who.user_id, because=because, now=self._clock.now(), only=only)
            if ended:
                await self._activity().record(
                    "auth.session_ended",
                    subject="session",
                    subject_id=only or who.session_id,
                    user_id=who.user_id,
                    actor=who,
                    details={"because": because, "sessions": ended},
                )
        if only is None:
            self._authenticator.forget(user_id=who.user_id)
        else:
            self._authenticator.forget(session_id=only)
        return ended

    def _tokens(self, user_id: UUID, session_id: UUID, refresh_token: str, expires_at: datetime) -> Tokens:
        return Tokens(
            access_token=self._access_tokens.issue(user_id, session_id),
            token_type="Bearer",  # noqa: S106 -- the token type of RFC 6750, not a password
            expires_in=int(self._access_tokens.lifetime.total_seconds()),
            refresh_token=refresh_token,
            refresh_expires_at=expires_at,
            user_id=user_id,
        )
