"""The link by which a digest is given up without logging in (RFC 8058): it names the person and opens nothing else."""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final
from uuid import UUID

from shared.installation_secret import InstallationSecret, position_of

PATH: Final = "/api/digest/unsubscribe"
_MAC: Final = 16
_LENGTH: Final = 16 + _MAC
MAX_TOKEN_LENGTH: Final = 64


class Unsubscribing:
    """Makes and reads links; where no public address is set up, there are none."""

    def __init__(self, secret: InstallationSecret, *, public_url: str) -> None:
        self._keys = secret.keys("digest unsubscribe")
        self._public_url = public_url

    def link(self, user_id: UUID) -> str | None:
        return f"{self._public_url}{PATH}?token={self.token(user_id)}" if self._public_url else None

    def token(self, user_id: UUID) -> str:
        return base64.urlsafe_b64encode(user_id.bytes + _mac(self._keys[0], user_id)).decode().rstrip("=")

    def read(self, token: str) -> UUID | None:
        """Whom a token names; None where we did not make it."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != _LENGTH:
            return None
        user_id = UUID(bytes=raw[:16])
        return None if position_of(raw[16:], tuple(_mac(key, user_id) for key in self._keys)) is None else user_id


def _mac(key: bytes, user_id: UUID) -> bytes:
    return hmac.digest(key, user_id.bytes, sha256)[:_MAC]
