"""Verification of access tokens: signature, denylist, session and account, in this order, then cached for a moment."""

from time import monotonic
from uuid import UUID

from shared.clock import Clock
from shared.errors import Unauthenticated
from shared.web.identity import PersonIdentity, Role
from users.auth.credential_cache import CredentialCache
from users.auth.denylist import Denylist
from users.auth.repository import SessionQueries
from users.auth.tokens import AccessTokens


class PersonAuthenticator:
    """Finds the person behind an access token. Verified tokens are cached for a moment."""

    def __init__(self, *, tokens: AccessTokens, denylist: Denylist, sessions: SessionQueries, clock: Clock) -> None:
        self._tokens = tokens
        self._denylist = denylist
        self._sessions = sessions
        self._clock = clock
        self._verified: CredentialCache[PersonIdentity] = CredentialCache()

    async def authenticate(self, token: str) -> PersonIdentity:
        """Return the person behind a token.

        Raises TokenExpired, Unauthenticated for every other invalid token, or Unavailable without Redis.
        """
        known = self._verified.get(token)
        if known is not None and known.expires_at > self._clock.now():
            return known
        asked_at = monotonic()  # before the checks, because their answers may already be this old
        claims = self._tokens.verify(token)
        if await self._denylist.denied(claims.token_id):
            raise Unauthenticated("This token is no longer valid because you logged out; log in again.")
        person = await self._sessions.standing(claims.session_id, now=self._clock.now())
        if person is None or person["id"] != claims.user_id:
            raise Unauthenticated("The session of this token has ended; log in again.")
        identity = PersonIdentity(
            user_id=claims.user_id,
            role=Role(person["role"]),
            session_id=claims.session_id,
            token_id=claims.token_id,
            expires_at=claims.expires_at,
        )
        self._verified.put(token, identity, asked_at=asked_at)
        return identity

    def forget(self, *, session_id: UUID | None = None, user_id: UUID | None = None) -> None:
        """Remove a session's or a person's tokens from the cache of this process."""
        self._verified.forget(lambda identity: identity.session_id == session_id or identity.user_id == user_id)
