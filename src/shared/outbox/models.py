"""The table of events, which are kept for a while after they were relayed."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base

WAITS: Final = "relayed_at IS NULL AND dead_at IS NULL"
"""SQL condition for events that wait for the relay."""
EAGER_AUTOVACUUM: Final = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0.05",
}


class OutboxEvent(Base):
    """One event. No foreign keys: it outlives its aggregate and the owner."""

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
    """Order of writing. Events of one aggregate are relayed in this order."""
    event: Mapped[str]
    aggregate: Mapped[str]
    user_id: Mapped[UUID | None]
    key: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    position: Mapped[int | None]
    """Position among relayed events, from the sequence `outbox_positions`; the cursors of readers refer to it."""
    relayed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    """Number of failed tries."""
    due_at: Mapped[datetime | None]
    """Time of the next try; NULL: as soon as possible."""
    dead_at: Mapped[datetime | None]
    """Time at which the last try failed; the event is not tried again."""
    error: Mapped[str | None]
