"""The engine's tables: what is followed, when it is next looked at, what came of each attempt, what rests, and what is
blocked.
"""

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
    """One distinct thing on a foreign site, shared by everyone who follows it."""

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
    """Looked at every interval, however long nothing changed."""


class ScrapeSchedule(Base):
    """When a target is next looked at and who holds it meanwhile; narrow, because it is claimed all the time.

    A target without a row here is not looked at. `run_id` is the fencing token: a result is taken only from the run
    that still holds the target.
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
    """Where it goes back to once a run of it is over: ROUTINE, BACKGROUND or ON_REQUEST."""


class ScrapeRun(Base):
    """One attempt at a target; its id is the task id that people are given.

    In parts by month of the id, which are removed by age. No foreign keys: a key to the targets would cost as much as
    the row itself, and lock them whenever a part comes or goes.
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
    """A source that an operator has paused: nothing of it is claimed while its row is here."""

    __tablename__ = "scrape_pauses"

    source: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    reason: Mapped[str | None]


class Block(Base):
    """Somebody whom the operator blocked, because they asked to be left alone."""

    __tablename__ = "scrape_blocks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]


class BlockedKey(Base):
    """A key under which nothing of a source is followed or stored."""

    __tablename__ = "scrape_blocked_keys"
    __table_args__ = (Index("ix_scrape_blocked_keys_block_id", "block_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    block_id: Mapped[UUID] = mapped_column(ForeignKey(Block.id, ondelete="CASCADE"), primary_key=True)
    listed: Mapped[bool]
    """Whether the operator sees it; the others follow from those, such as one for each table of the hiscores."""
