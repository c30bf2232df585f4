"""Rules for the requests to a source: pace, limits, and the consequences of failures."""

from dataclasses import dataclass, field

HORIZON = 5.0
"""Seconds of work that the dispatcher hands out ahead; a requested run waits at most this long behind it."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Rules for the requests to a source. Times are in seconds.

    `delay` 0 means no pacing; otherwise one request leaves per `delay` ± `jitter`, over all processes.
    """

    host: str
    """Name under which pace and breaker are stored; usually the site's host."""
    delay: float
    jitter: float = 0.0
    interval: float | None = None
    """Time between two runs, for every target of the source; None: each target has its own."""
    slowest: float = 1.0
    """Largest interval of a target that never changes, as a multiple of its own; 1: it is fetched like any other."""
    phased: bool = False
    """True: each target has its own phase of the interval, so that runs spread out. False: due times move a little."""
    concurrency: int = 50
    """Requests that one process may have under way at once."""
    batch_size: int = 100
    """Targets per job; 1 if requests are seconds apart."""
    max_in_flight: int = 2_000
    """Targets that workers may lease at once."""
    timeout: float = 15.0
    """Longest wait for one response, from connecting to its last byte."""
    max_fetch_seconds: float | None = None
    """Longest fetch of a target, if longer than a lease: the lease is then renewed. None: what the lease allows."""
    obey_robots: bool = True
    """False for addresses that the site itself declares to be an API."""
    body_limit: int = 8_388_608
    """Largest body in bytes, decompressed."""
    breaker_threshold: int = 5
    """Consecutive failures of the host that open the breaker; a block or a 429 opens it at once."""
    cooldown: float = 30.0
    """First cooldown of a breaker; doubles each time it opens again."""
    cooldown_limit: float = 3600.0
    retry: float = 30.0
    """Base of a target's backoff (full jitter, doubling, at most its interval)."""
    dead_after: int = 5
    """Consecutive failures by a bug of ours, or lost workers, after which a target waits for an admin."""
    pause_after: int | None = None
    """Consecutive failures of the host or the source after which a target pauses; None: it is only retried."""
    pause: float = 3600.0
    """First such pause; doubles with every further failure."""
    pause_limit: float = 86_400.0
    throttled_statuses: frozenset[int] = frozenset({429})
    operator_configured: bool = False
    """True if the operator configured the address, which may then be a private one."""
    proxy: str | None = field(default=None, repr=False)
    """Address of the HTTP proxy for all requests; may contain a password, so it is never logged."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """Headers of every request; may contain an API key, so they are never logged."""

    @property
    def in_flight(self) -> int:
        """Targets worth leasing at once: as many as the pace allows in HORIZON, or `max_in_flight` without pacing."""
        if self.delay <= 0:
            return self.max_in_flight
        return min(self.max_in_flight, 1 + int(HORIZON / self.delay))
