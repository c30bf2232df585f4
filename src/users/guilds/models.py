"""Guilds and who is in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from users.accounts.models import User


class Guild(Base):
    """A Discord server that a bot told us of."""

    __tablename__ = "guilds"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A snowflake; text, because 20 digits do not fit a bigint."""
    name: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """What differs from the defaults of `GuildSettings`."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class GuildMember(Base):
    """One person in one guild."""

    __tablename__ = "guild_members"
    __table_args__ = (Index("ix_guild_members_user_id", "user_id"),)

    guild_id: Mapped[str] = mapped_column(ForeignKey(Guild.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    admin: Mapped[bool]
    joined_at: Mapped[datetime]
