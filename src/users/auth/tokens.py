"""Access tokens (JWT in the shape of RFC 9068) and refresh tokens (opaque), as texts.

An access token is signed with HMAC-SHA256. Its key is derived from the installation's secret for this purpose only, so
that it works for no other purpose. While the secret is being replaced, tokens made under the previous one are accepted.
A refresh token is `trr_` and 80 bytes in base64url: the session's id, 32 random bytes, and an HMAC of both. The row
holds a digest of the newest token only. The HMAC distinguishes a token that we once issued, which ends the session when
it is used again, from a made-up token, which must not end it.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
from msgspec import Struct

from shared.clock import Clock
from shared.errors import Unauthenticated
from shared.ids import new_id
from shared.installation_secret import InstallationSecret, position_of
from users.auth.errors import TokenExpired

ALGORITHM: Final = "HS256"
TYPE: Final = "at+jwt"
AUDIENCE: Final = "trackers"
ISSUER: Final = "trackers"
CLAIMS: Final = ("iss", "aud", "sub", "sid", "jti", "iat", "exp")
SKEW: Final = timedelta(seconds=30)
"""Maximum difference between the clocks of two of our machines."""
PREFIX: Final = "trr_"
MAX_TOKEN_LENGTH: Final = 2048
"""Maximum characters of an access token; ours have under 500."""


class AccessClaims(Struct, frozen=True, kw_only=True):
    """Claims of a valid access token."""

    user_id: UUID
    session_id: UUID
    token_id: str
    expires_at: datetime


class AccessTokens:
    """Signs and verifies access tokens."""

    def __init__(self, *, secret: InstallationSecret, clock: Clock, lifetime: float) -> None:
        self._keys = secret.keys("access tokens")
        self._clock = clock
        self.lifetime = timedelta(seconds=lifetime)

    def issue(self, user_id: UUID, session_id: UUID) -> str:
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": new_id().hex,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
        }
        return jwt.encode(claims, self._keys[0], algorithm=ALGORITHM, headers={"typ": TYPE})

    def verify(self, token: str) -> AccessClaims:
        """Return the claims of a token. Raises TokenExpired, or Unauthenticated with one message for other reasons."""
        try:
            claims = self._decoded(token)
            issued_at, expires_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
            verified = AccessClaims(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                token_id=claims["jti"],
                expires_at=expires_at,
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError) as error:
            raise Unauthenticated("The access token is invalid; log in again.") from error
        now = self._clock.now()
        if issued_at > now + SKEW:
            raise Unauthenticated("The access token is invalid; log in again.")
        if expires_at <= now:
            raise TokenExpired("The access token has expired; get a new one with POST /api/auth/refresh.")
        return verified

    def _decoded(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH:
            raise jwt.InvalidTokenError("too long")
        *others, last = self._keys
        for key in others:
            with suppress(jwt.InvalidSignatureError):
                return self._decoded_under(key, token)
        return self._decoded_under(last, token)

    @staticmethod
    def _decoded_under(key: bytes, token: str) -> dict[str, Any]:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # `verify` checks the times by the injected clock.
            options={"require": list(CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        if decoded["header"].get("typ") != TYPE:
            raise jwt.InvalidTokenError(f"the token is of another type; expected {TYPE}")
        claims: dict[str, Any] = decoded["payload"]
        return claims


class RefreshTokens:
    """Makes and reads refresh tokens."""

    def __init__(self, *, secret: InstallationSecret) -> None:
        self._keys = secret.keys("refresh tokens")
        self.secret_id = secret.id
        """Id of the secret under which new tokens are made."""

    def issue(self, session_id: UUID) -> str:
        content = session_id.bytes + secrets.token_bytes(32)
        return PREFIX + urlsafe_b64encode(content + _mark(self._keys[0], content)).decode().rstrip("=")

    def session_of(self, token: str) -> UUID:
        """Return the session of a token, newest or not. Raises Unauthenticated if we did not issue the token."""
        return self._read(token)[0]

    def digest(self, token: str) -> bytes:
        """Return the stored digest of a token (32 bytes), under the key that made it. Raises Unauthenticated."""
        return hmac.digest(self._read(token)[1], token.encode(), hashlib.sha256)

    def _read(self, token: str) -> tuple[UUID, bytes]:
        try:
            content = urlsafe_b64decode(token.removeprefix(PREFIX) + "=") if token.startswith(PREFIX) else b""
        except (NotBase64, ValueError):
            content = b""
        made_under = position_of(content[48:], tuple(_mark(key, content[:48]) for key in self._keys))
        if len(content) != 80 or made_under is None:  # noqa: PLR2004 -- 16 + 32 + 32
            raise Unauthenticated("The refresh token is invalid; log in again.")
        return UUID(bytes=content[:16]), self._keys[made_under]


def _mark(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, b"mark" + content, hashlib.sha256)
