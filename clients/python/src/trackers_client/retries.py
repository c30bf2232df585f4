"""When a request is sent again, and after how long."""

import random
from dataclasses import dataclass, field
from typing import Final

import httpx

from trackers_client.errors import retry_after_of

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
NOT_DONE: Final = frozenset({429})
"""Refused before anything was done, so that anything may be sent again."""
AGAIN: Final = frozenset({429, 502, 503, 504})
RUNS_STILL: Final = 409
"""With Retry-After, and only to a request that has an Idempotency-Key: the first one under it."""
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, kw_only=True)
class Retries:
    """At most `attempts` altogether; between them a random part of a time that doubles, or what `Retry-After` says."""

    attempts: int = 4
    base: float = 0.25
    longest: float = 8.0
    patience: float = 60.0
    """Seconds of `Retry-After` that are waited for; more than that is the caller's to decide, as an error."""
    rng: random.Random = field(default_factory=random.Random)

    def pause_after(self, answer: httpx.Response, *, attempt: int, safe: bool) -> float | None:
        """Seconds until it is sent again; None: not at all. `safe`: it may have been done once already."""
        wanted = retry_after_of(answer)
        runs_still = (
            answer.status_code == RUNS_STILL and wanted is not None and IDEMPOTENCY_KEY in answer.request.headers
        )
        if not (runs_still or answer.status_code in (AGAIN if safe else NOT_DONE)):
            return None
        if attempt >= self.attempts or (wanted is not None and wanted > self.patience):
            return None
        # Not all at the same moment: everybody was told the same number.
        return self._backoff(attempt) if wanted is None else wanted + self.rng.uniform(0, self.base)

    def pause_after_error(self, error: httpx.TransportError, *, attempt: int, safe: bool) -> float | None:
        if attempt >= self.attempts or not (safe or isinstance(error, NEVER_SENT)):
            return None
        return self._backoff(attempt)

    def _backoff(self, attempt: int) -> float:
        return self.rng.uniform(0, min(self.longest, self.base * 2**attempt))
