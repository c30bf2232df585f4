"""What was verified is trusted for a moment, so that a busy caller is not looked up at every request."""

from collections.abc import Callable
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")
TRUSTED: Final = 1.5
"""Seconds; a revocation holds everywhere after these."""
MAX_CACHED: Final = 10_000
"""Credentials that a process remembers at once."""


class CredentialCache(Generic[T]):
    """Verified credentials and whose they are."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, T]] = {}

    def get(self, credential: str) -> T | None:
        known = self._known.get(credential)
        if known is None:
            return None
        if known[0] > monotonic():
            return known[1]
        del self._known[credential]
        return None

    def put(self, credential: str, identity: T, *, asked_at: float) -> None:
        """Trust a credential for TRUSTED seconds after the question whose answer this is."""
        if len(self._known) >= MAX_CACHED:
            self._known.clear()
        self._known[credential] = (asked_at + TRUSTED, identity)

    def forget(self, which: Callable[[T], bool]) -> None:
        """Look these up again; in other processes they are trusted for their moment."""
        for credential in [credential for credential, (_, identity) in self._known.items() if which(identity)]:
            del self._known[credential]
