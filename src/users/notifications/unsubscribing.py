"""The unsubscribe link in a digest (RFC 8058): it works without a login, names the person and does nothing else."""

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
    """Makes and reads unsubscribe links; without a public address there are none."""

    def __init__(self, secret: InstallationSecret, *, public_url: str) -> None:
        self._keys = secret.keys("digest unsubscribe")
        self._public_url = public_url

    def link(self, user_id: UUID) -> str | None:
        return f"{self._public_url}{PATH}?token={self.token(user_id)}" if self._public_url else None

    def token(self, user_id: UUID) -> str:
        return base64.urlsafe_b64encode(user_id.bytes + _mac(self._keys[0], user_id)).decode().rstrip("=")

    def read(self, token: str) -> UUID | None:
        """Return the person that a token names; None if the token is not valid."""
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
