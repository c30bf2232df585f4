"""A target as a run has leased it, and the values of its priority, its status and the trigger of a run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID


class Priority(IntEnum):
    """Order of due targets: requested ones, new ones, then the rest."""

    REQUESTED = 0
    NEW = 1
    ROUTINE = 2
    QUARANTINED = 3
    """The target lost workers before: it runs alone, so that no other target is lost with it."""
    BACKGROUND = 4
    """After the routine ones, while there is more to fetch than the pace allows."""
    ON_REQUEST = 5
    """Not fetched until somebody requests it or it gets another priority; its due time stays."""


class Trigger(StrEnum):
    """Reason for a run."""

    SCHEDULE = "schedule"
    REQUEST = "request"
    REGISTRATION = "registration"


class Status(StrEnum):
    """Status of a target or a run, as the API shows it."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A target as a run has leased it."""

    id: UUID
    run_id: UUID
    lease_until: datetime
    key: str
    address: str
    """Text to ask the site for: the key in the site's spelling, or a whole query."""
    interval: timedelta
    failures: int
    """Consecutive failures with the same fault (the target, the host, the source, ours)."""
    last_reason: str | None
    attempts: int
    etag: str | None
    last_modified: str | None
    content_hash: bytes | None
    parser_version: int
    quiet_since: datetime | None = None
    """Time of the last change, or else of the creation of the target."""
    steady: bool = False
    """Fetched at every interval, however long nothing changes."""
