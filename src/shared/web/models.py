"""Stored responses by Idempotency-Key, so that a repeated request gets the same response."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class IdempotencyKey(Base):
    """A claim while the request runs (without a status), then its response."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_claimed_at", "claimed_at"),)

    bot_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: rows are removed by age only, whether or not the bot key still exists."""
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    """SHA-256 of method, path, query and body."""
    claimed_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(SmallInteger())
    content_type: Mapped[str | None]
    body: Mapped[bytes | None]
    """NULL with a status: the body is not stored (too large, or secret), or was erased."""
