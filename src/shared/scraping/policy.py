"""How a source may be visited: its pace, its limits, and what follows failures."""

from dataclasses import dataclass, field

HORIZON = 5.0
"""Seconds of work that the dispatcher hands out ahead; what is asked for by hand waits at most this long behind it."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a source may be visited. Times are seconds.

    `delay` 0 means no pacing; else one request leaves per `delay` ± `jitter`, over all processes.
    """

    host: str
    """The name that pace and breaker go by; usually the site's host."""
    delay: float
    jitter: float = 0.0
    interval: float | None = None
    """Between two looks, for every target of the source; None: each target has its own."""
    slowest: float = 1.0
    """Intervals after which a target of which nothing ever changes is looked at; 1: it is looked at like any other."""
    phased: bool = False
    """Whether each target has a place of its own in its interval, so that none bunch; else looks are moved a little."""
    concurrency: int = 50
    """Requests under way at once from one process."""
    batch_size: int = 100
    """Targets to a job; 1 where requests are seconds apart."""
    max_in_flight: int = 2_000
    """Targets that may be held by workers at once."""
    timeout: float = 15.0
    """Longest wait for one answer, from connecting to its last byte."""
    max_fetch_seconds: float | None = None
    """How long a visit may take where that is longer than a lease: its lease is renewed meanwhile. None: what the lease
    allows."""
    obey_robots: bool = True
    """Off for what the site itself declares to be an API."""
    body_limit: int = 8_388_608
    """Bytes, decompressed."""
    breaker_threshold: int = 5
    """Failures of the host in a row that open the breaker; a block or a 429 opens it at once."""
    cooldown: float = 30.0
    """First rest of an open breaker; doubles each time it opens again."""
    cooldown_limit: float = 3600.0
    retry: float = 30.0
    """Base of a target's backoff (full jitter, doubling, capped by its interval)."""
    dead_after: int = 5
    """Failures in a row by a bug of ours, or workers lost, after which a target waits to be re-driven by hand."""
    pause_after: int | None = None
    """Failures in a row, by the host's fault or the source's, after which a target rests; None: it is retried only."""
    pause: float = 3600.0
    """First such rest; doubles with every failure after it."""
    pause_limit: float = 86_400.0
    throttled_statuses: frozenset[int] = frozenset({429})
    operator_configured: bool = False
    """The operator typed the address in, so it may be a private one."""
    proxy: str | None = field(default=None, repr=False)
    """Address of the HTTP proxy that requests leave by; may hold a password, so it is never logged."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request; may hold an API key, so it is never logged."""

    @property
    def in_flight(self) -> int:
        """Targets worth holding at once: what the pace allows in the next seconds, or the limit where it is free."""
        if self.delay <= 0:
            return self.max_in_flight
        return min(self.max_in_flight, 1 + int(HORIZON / self.delay))
