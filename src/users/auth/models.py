"""Bot keys and people's sessions; of what proves either only a digest is kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from users.accounts.models import User


class BotKey(Base):
    """A key with which a bot asks for its people; found by its prefix, proven by its digest."""

    __tablename__ = "bot_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes]
    secret_id: Mapped[bytes | None]
    """Of the installation's secret that the digest was made under; NULL: from before this was kept."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    guild_ids: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    """The only guilds that it may speak for; NULL: all."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuthSession(Base):
    """A login, and every refresh token that came of it (a family): only the newest of them is good."""

    __tablename__ = "auth_sessions"
    __table_args__ = (Index("ix_auth_sessions_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    token_digest: Mapped[bytes]
    secret_id: Mapped[bytes | None]
    """Of the installation's secret that the token was made under; NULL: from before this was kept."""
    created_at: Mapped[datetime]
    refreshed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """However often it is refreshed."""
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]
    user_agent: Mapped[str | None]
    address: Mapped[str | None]


class SecretRotation(Base):
    """A replacement of the installation's secret."""

    __tablename__ = "secret_rotations"

    secret_id: Mapped[bytes] = mapped_column(primary_key=True)
    """Of the new secret."""
    started_at: Mapped[datetime]
    """When `trackers secrets rotate` first ran under it; what was made before may need the previous secret."""
