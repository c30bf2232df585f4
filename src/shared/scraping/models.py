"""Tables of the engine: targets, their schedule, runs, paused sources, and blocks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base

EAGER_AUTOVACUUM = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0.05",
}


class ScrapeTarget(Base):
    """One thing on a foreign site, shared by all its followers."""

    __tablename__ = "scrape_targets"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    key: Mapped[str]
    address: Mapped[str]
    interval_seconds: Mapped[int]
    created_at: Mapped[datetime]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    content_hash: Mapped[bytes | None]
    parser_version: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_status: Mapped[str | None]
    last_reason: Mapped[str | None]
    last_error: Mapped[str | None]
    last_attempt_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_changed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    successes: Mapped[int] = mapped_column(server_default=text("0"))
    steady: Mapped[bool] = mapped_column(server_default=text("false"))
    """Fetched at every interval, however long nothing changes."""


class ScrapeSchedule(Base):
    """Next due time of a target and its lease; narrow, because rows are claimed all the time.

    A target without a row here is not fetched. `run_id` is the fencing token: a result is accepted only from the run
    that still has the lease.
    """

    __tablename__ = "scrape_schedule"
    __table_args__ = (
        Index("ix_scrape_schedule_due", "source", "priority", "due_at", postgresql_where=text("lease_until IS NULL")),
        Index("ix_scrape_schedule_leased", "source", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
        {"postgresql_with": EAGER_AUTOVACUUM},
    )

    target_id: Mapped[UUID] = mapped_column(ForeignKey(ScrapeTarget.id, ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[UUID | None]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    priority: Mapped[int] = mapped_column(SmallInteger)
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    source: Mapped[str]
    usual_priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("2"))
    """Priority after the end of a run: ROUTINE, BACKGROUND or ON_REQUEST."""


class ScrapeRun(Base):
    """One attempt to fetch a target; its id is the task id that the API returns.

    Partitioned by month of the id; partitions are removed by age. No foreign keys: a key to the targets would cost as
    much as the row itself, and would lock the targets whenever a partition is added or removed.
    """

    __tablename__ = "scrape_runs"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'in_progress', 'completed', 'failed')", name="status"),
        Index("ix_scrape_runs_target_id_id", "target_id", "id"),
        Index("ix_scrape_runs_finished_at", "finished_at"),
        Index("ix_scrape_runs_uncompleted", "id", postgresql_where=text("status <> 'completed'")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    target_id: Mapped[UUID]
    trigger: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str | None]
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    requests: Mapped[int | None] = mapped_column(SmallInteger)
    bytes: Mapped[int | None]
    changed: Mapped[bool | None]
    error: Mapped[str | None]


class SourcePause(Base):
    """A source that an admin has paused: none of its targets is claimed while the row exists."""

    __tablename__ = "scrape_pauses"

    source: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    reason: Mapped[str | None]


class Block(Base):
    """A person who is blocked because they asked to be left alone."""

    __tablename__ = "scrape_blocks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]


class BlockedKey(Base):
    """A key of a source that must not be followed or stored."""

    __tablename__ = "scrape_blocked_keys"
    __table_args__ = (Index("ix_scrape_blocked_keys_block_id", "block_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    block_id: Mapped[UUID] = mapped_column(ForeignKey(Block.id, ondelete="CASCADE"), primary_key=True)
    listed: Mapped[bool]
    """True if admins see it; the other keys follow from those, such as one per game mode of the hiscores."""
