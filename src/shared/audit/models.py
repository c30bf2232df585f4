"""The two logs. They grow without end, so indexes are few; ids are in the order of time, and pages go by them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class AuditedRequest(Base):
    """One mutating request, allowed or refused. No foreign keys: it outlives whoever made it."""

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
    """Ids of people whom it concerns, ours and outside ones, so that it is found when they ask for it, or go."""


class Activity(Base):
    """What happened to one thing. No foreign keys: it outlives the thing and its owner."""

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
