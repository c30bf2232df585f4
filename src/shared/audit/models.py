"""Tables of the two logs. They grow without limit, so they have few indexes; ids are in order of time, for paging."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class AuditedRequest(Base):
    """One mutating request, allowed or refused. No foreign keys: it outlives the caller."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_actor_id_id", "actor_id", "id"),
        Index(
            "ix_audit_log_mentions", "mentions", postgresql_using="gin", postgresql_where=text("mentions IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str | None]
    method: Mapped[str]
    route: Mapped[str | None]
    path: Mapped[str | None]
    resource: Mapped[dict[str, Any] | None]
    status: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    request_id: Mapped[str | None]
    body: Mapped[Any | None] = mapped_column(JSONB)
    mentions: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    """User ids and external ids of people concerned, so that an export or erasure of a person finds the entry."""


class Activity(Base):
    """One event of a subject. No foreign keys: it outlives the subject and its owner."""

    __tablename__ = "activity_log"
    __table_args__ = (
        Index("ix_activity_log_subject_id_id", "subject_id", "id"),
        Index("ix_activity_log_user_id_id", "user_id", "id", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_activity_log_event_id", "event", "id"),
        Index("ix_activity_log_actor_id_id", "actor_id", "id", postgresql_where=text("actor_kind = 'user'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[str]
    user_id: Mapped[UUID | None]
    actor_kind: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]
