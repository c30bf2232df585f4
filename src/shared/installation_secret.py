"""The secret of an installation: it signs tokens, keys digests, encrypts fields, and can be replaced.

During a replacement there are two secrets. New tokens, digests and encrypted fields use the current one; those made
with the previous one are still accepted. `secret_id` of a row says which of the two made its digest.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.settings import Secret

_ID_BYTES: Final = 8


class Needing(Struct, frozen=True, kw_only=True):
    """Rows of one kind that still need the previous secret."""

    what: str
    count: int
    used_at: datetime | None = None
    """Last use of any of them; None if none was used, or uses are not recorded."""
    until: datetime | None = None
    """Time after which all of them have expired."""


class InstallationSecret:
    """The current secret, and the previous one while `TRACKERS_SECRET_KEY_PREVIOUS` is set."""

    def __init__(self, current: Secret, previous: Secret | None = None) -> None:
        secrets = (current, previous) if previous else (current,)
        self._secrets = tuple(secret.reveal().encode() for secret in secrets)
        self.id = _derived(self._secrets[0], "secret id")[:_ID_BYTES]
        """Identifies the current secret in a row without revealing anything about it."""

    @property
    def replaces_another(self) -> bool:
        """True if a previous secret is still accepted."""
        return len(self._secrets) > 1

    def keys(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for a single purpose; the key of the current secret first."""
        return tuple(_derived(secret, purpose) for secret in self._secrets)

    def digest(self, content: bytes) -> bytes:
        """HMAC-SHA256 with the current secret (32 bytes)."""
        return self.digests(content)[0]

    def digests(self, content: bytes) -> tuple[bytes, ...]:
        """HMAC-SHA256 with each accepted secret, the current one first."""
        return tuple(hmac.digest(secret, content, hashlib.sha256) for secret in self._secrets)


def position_of(digest: bytes, candidates: tuple[bytes, ...]) -> int | None:
    """Index of the candidate that equals a digest, or None. All are compared, each in constant time."""
    matches = [index for index, candidate in enumerate(candidates) if hmac.compare_digest(candidate, digest)]
    return matches[0] if matches else None


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"trackers {purpose}".encode(), hashlib.sha256)
