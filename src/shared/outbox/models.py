"""The outbox: what happened, from the transaction in which it did until it has been relayed and kept for a while."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base

WAITS: Final = "relayed_at IS NULL AND dead_at IS NULL"
"""What is still to be relayed."""
EAGER_AUTOVACUUM: Final = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0.05",
}


class OutboxEvent(Base):
    """One event. No foreign keys: it outlives the thing and its owner."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_key", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("ix_outbox_events_position", "position", unique=True, postgresql_where=text("position IS NOT NULL")),
        Index("ix_outbox_events_waiting", "seq", postgresql_where=text(WAITS)),
        Index("ix_outbox_events_due_at", "due_at", postgresql_where=text(f"{WAITS} AND due_at IS NOT NULL")),
        Index("ix_outbox_events_dead", "id", postgresql_where=text("dead_at IS NOT NULL")),
        Index("ix_outbox_events_relayed_at", "relayed_at", postgresql_where=text("relayed_at IS NOT NULL")),
        Index("ix_outbox_events_user_id_position", "user_id", "position", postgresql_where=text("user_id IS NOT NULL")),
        {"postgresql_with": EAGER_AUTOVACUUM},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Identity(always=True))
    """The order of writing, which is the order of relaying among events of one aggregate."""
    event: Mapped[str]
    aggregate: Mapped[str]
    user_id: Mapped[UUID | None]
    key: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    position: Mapped[int | None]
    """Its place among what was relayed, from the sequence `outbox_positions`; what readers' cursors count."""
    relayed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    """How often a handler failed over it."""
    due_at: Mapped[datetime | None]
    """When it is tried again; NULL: at once."""
    dead_at: Mapped[datetime | None]
    """Since when it is not tried any more."""
    error: Mapped[str | None]
