"""What was answered under a key that a caller chose, so that the same request again gets the same answer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class IdempotencyKey(Base):
    """A claim while the request runs (no status); then its answer."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_claimed_at", "claimed_at"),)

    bot_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: this table knows nobody, and is emptied by age."""
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    """SHA-256 of method, path, query and body."""
    claimed_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(SmallInteger())
    content_type: Mapped[str | None]
    body: Mapped[bytes | None]
    """NULL with a status: it was too large to keep."""
