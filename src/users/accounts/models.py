"""Accounts and their outside identities."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class User(Base):
    """A person, however many outside identities they have."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('user', 'admin')", name="role"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(server_default=text("'user'"))
    created_at: Mapped[datetime]


class UserIdentity(Base):
    """Who a person is elsewhere, as the bot that knows them there told us last."""

    __tablename__ = "user_identities"
    __table_args__ = (Index("ix_user_identities_user_id", "user_id"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    username: Mapped[str | None]
    global_name: Mapped[str | None]
    avatar: Mapped[str | None]
    updated_at: Mapped[datetime]
