"""The secret of an installation: what signs and seals everything that people and bots hold, and how it is replaced.

While a secret is being replaced there are two. New things are made under the current one; things made under the
previous one are still accepted. `secret_id` on a row says under which of the two its digest was made.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.settings import Secret

_ID_BYTES: Final = 8


class Needing(Struct, frozen=True, kw_only=True):
    """Things of one kind that still need the previous secret."""

    what: str
    count: int
    used_at: datetime | None = None
    """When the last of them was used; None where none was, or nobody knows."""
    until: datetime | None = None
    """After this none of them works anyway."""


class InstallationSecret:
    """The current secret, and the previous one while `TRACKERS_SECRET_KEY_PREVIOUS` is set."""

    def __init__(self, current: Secret, previous: Secret | None = None) -> None:
        secrets = (current, previous) if previous else (current,)
        self._secrets = tuple(secret.reveal().encode() for secret in secrets)
        self.id = _derived(self._secrets[0], "secret id")[:_ID_BYTES]
        """Names the current secret in a row and says nothing about it."""

    @property
    def replaces_another(self) -> bool:
        """Whether a previous secret is still accepted."""
        return len(self._secrets) > 1

    def keys(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for one purpose only, the current secret's first."""
        return tuple(_derived(secret, purpose) for secret in self._secrets)

    def digest(self, content: bytes) -> bytes:
        """HMAC-SHA256 under the current secret (32 bytes)."""
        return self.digests(content)[0]

    def digests(self, content: bytes) -> tuple[bytes, ...]:
        """HMAC-SHA256 under each accepted secret, the current one first."""
        return tuple(hmac.digest(secret, content, hashlib.sha256) for secret in self._secrets)


def position_of(digest: bytes, candidates: tuple[bytes, ...]) -> int | None:
    """Which candidate equals a digest; every one is compared, each in constant time."""
    found = [index for index, candidate in enumerate(candidates) if hmac.compare_digest(candidate, digest)]
    return found[0] if found else None


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"trackers {purpose}".encode(), hashlib.sha256)
