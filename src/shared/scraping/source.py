"""What a foreign site must say about itself so that the engine can follow things on it.

A source is a plug-in: the engine knows this page and nothing of any site.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from shared.scraping.failures import ScrapeFailure

if TYPE_CHECKING:
    from shared.scraping.visit import Visit

T = TypeVar("T")


class Lane(IntEnum):
    """Who goes first among the due: somebody waits, somebody has just come, the rest."""

    REQUESTED = 0
    NEW = 1
    ROUTINE = 2
    SUSPECT = 3
    """Workers were lost while they looked at it: it goes alone, so that it can take nobody with it again."""
    UNHURRIED = 4
    """Behind the routine, while there is more to do than the pace allows."""
    PAUSED = 5
    """Not looked at until somebody asks or it is placed elsewhere; its due time is kept."""


class Trigger(StrEnum):
    """Why a run was made."""

    SCHEDULE = "schedule"
    REQUEST = "request"
    REGISTRATION = "registration"


class Status(StrEnum):
    """Where a target or a run stands, in the contract's words."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


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
    longest_visit: float | None = None
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


HORIZON = 5.0
"""Seconds of work that the dispatcher hands out ahead; what is asked for by hand waits at most this long behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A target as a run holds it."""

    id: UUID
    run_id: UUID
    lease_until: datetime
    key: str
    address: str
    """What to ask the site for: the key as the site spells it, or a whole query."""
    interval: timedelta
    failures: int
    """In a row, all of the same kind (the target's, the host's, the page's, ours)."""
    last_reason: str | None
    attempts: int
    etag: str | None
    last_modified: str | None
    content_hash: bytes | None
    parser_version: int
    quiet_since: datetime | None = None
    """When something changed last, or it was first followed."""
    steady: bool = False
    """Looked at every interval, however long nothing changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation(Generic[T]):
    """What a visit brought: a new state of a target, not yet compared with the old one."""

    target: Target
    value: T
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedVisit:
    """A visit that brought no state, as the source is told of it."""

    target: Target
    failure: ScrapeFailure
    at: datetime


class Source(ABC, Generic[T]):
    """A site, or a part of one, that targets live on."""

    name: str
    """Unique and stable: it stands in the database beside every target."""
    policy: Policy
    parser_version: int = 1
    """Raise it when the parser reads more than before: bodies seen already are then read again."""
    enabled: bool = True
    """Off until the operator has turned it on, where the site's terms ask for that."""
    disabled_because: str = ""
    """What the operator is told to do about it."""

    followed_by_hand: bool = True
    """Whether `trackers follow` may follow a target; off where targets belong to people who register them."""
    base_url: str | None = None
    """Scheme and host of the site, where there is one; what `trackers doctor` knocks at."""

    def read(self, typed: str) -> tuple[str, str]:
        """(key, address) of a target as a person types it: a key, or a link where the source reads links.

        Raises a Problem for what names nothing on the site.
        """
        return typed, typed

    @abstractmethod
    async def collect(self, target: Target, visit: "Visit") -> T:
        """Ask the site for a target's state and parse it. Outside any transaction.

        Raises a ScrapeFailure; `visit.get` raises Unchanged where the site says, or the body shows, that nothing moved.
        """

    @abstractmethod
    async def record(self, observations: Sequence[Observation[T]]) -> set[UUID]:
        """Compare with what is stored and write what changed, in the unit of work that is open.

        Returns the ids of the targets that changed. Must be one bulk write: batches have up to `policy.batch_size`.
        """

    async def record_failures(self, failures: Sequence[FailedVisit]) -> None:
        """Note failed visits in the domain, in the unit of work that is open; most sources need not."""
