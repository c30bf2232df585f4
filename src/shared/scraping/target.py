"""A target as a run holds it, and the words for its priority, its state and the reason for a run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID


class Priority(IntEnum):
    """Who goes first among the due: somebody waits, somebody has just come, the rest."""

    REQUESTED = 0
    NEW = 1
    ROUTINE = 2
    QUARANTINED = 3
    """Workers were lost while they looked at it: it goes alone, so that it can take nobody with it again."""
    BACKGROUND = 4
    """Behind the routine, while there is more to do than the pace allows."""
    ON_REQUEST = 5
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
