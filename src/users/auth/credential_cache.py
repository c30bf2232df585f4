"""Cache of verified credentials, so that a busy caller needs no query for every request."""

from collections.abc import Callable
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")
TRUSTED: Final = 1.5
"""Seconds that a verified credential is trusted. After this time a revocation takes effect everywhere."""
MAX_CACHED: Final = 10_000
"""Maximum number of cached credentials in a process."""


class CredentialCache(Generic[T]):
    """Verified credentials and their identities."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, T]] = {}

    def get(self, credential: str) -> T | None:
        entry = self._known.get(credential)
        if entry is None:
            return None
        if entry[0] > monotonic():
            return entry[1]
        del self._known[credential]
        return None

    def put(self, credential: str, identity: T, *, asked_at: float) -> None:
        """Trust a credential until TRUSTED seconds after `asked_at`, the monotonic time before its verification."""
        if len(self._known) >= MAX_CACHED:
            self._known.clear()
        self._known[credential] = (asked_at + TRUSTED, identity)

    def forget(self, which: Callable[[T], bool]) -> None:
        """Remove the credentials of matching identities. Other processes trust them for up to TRUSTED seconds more."""
        for credential in [credential for credential, (_, identity) in self._known.items() if which(identity)]:
            del self._known[credential]
