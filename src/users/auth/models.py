"""Tables of bot keys and sessions, which store only digests of keys and tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from users.accounts.models import User


class BotKey(Base):
    """A key that authenticates a bot. Its prefix finds the row, and its digest proves the key."""

    __tablename__ = "bot_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes]
    secret_id: Mapped[bytes | None]
    """Id of the installation's secret that the digest was made under; NULL in rows older than this column."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    guild_ids: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    """The only guilds that the bot may act for; NULL: all."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuthSession(Base):
    """A login with all refresh tokens that followed from it (a token family). Only the newest one is valid."""

    __tablename__ = "auth_sessions"
    __table_args__ = (Index("ix_auth_sessions_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    token_digest: Mapped[bytes]
    secret_id: Mapped[bytes | None]
    """Id of the installation's secret that the token was made under; NULL in rows older than this column."""
    created_at: Mapped[datetime]
    refreshed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """End of the session, no matter how often it is refreshed."""
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]
    user_agent: Mapped[str | None]
    address: Mapped[str | None]


class SecretRotation(Base):
    """A replacement of the installation's secret."""

    __tablename__ = "secret_rotations"

    secret_id: Mapped[bytes] = mapped_column(primary_key=True)
    """Id of the new secret."""
    started_at: Mapped[datetime]
    """Time of the first `trackers secrets rotate` under the new secret. Older things may need the previous secret."""
