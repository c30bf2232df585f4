"""Tables of channels, preferences, digests, events and deliveries."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Time, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from users.accounts.models import User
from users.guilds.models import Guild


class NotificationChannel(Base):
    """A channel of a person or of a guild."""

    __tablename__ = "notification_channels"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, guild_id) = 1", name="owner"),
        CheckConstraint("kind IN ('webhook', 'discord', 'email', 'apprise')", name="kind"),
        Index("ix_notification_channels_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_notification_channels_guild_id", "guild_id", postgresql_where=text("guild_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    guild_id: Mapped[str | None] = mapped_column(ForeignKey(Guild.id, ondelete="CASCADE"))
    kind: Mapped[str]
    name: Mapped[str]
    target: Mapped[bytes]
    """Address and secrets, encrypted (`field_encryption.py`)."""
    shown: Mapped[str]
    """The address with secret parts masked."""
    host: Mapped[str]
    """Host of the address; the number of messages in progress per host is limited."""
    created_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    challenge: Mapped[bytes | None]
    """Digest of the code that was sent and not entered yet."""
    challenge_until: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    suspended_because: Mapped[str | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """Failures in a row."""
    last_error: Mapped[str | None]
    rests_until: Mapped[datetime | None]
    """End of the cooldown after a failure; waiting deliveries keep their order."""
    lease_until: Mapped[datetime | None]
    """End of the lease of the worker that sends; a channel gets one message at a time."""


class NotificationPreference(Base):
    """Mode in which a person receives an event; an empty event stands for all events, a subject of zeros for all."""

    __tablename__ = "notification_preferences"
    __table_args__ = (CheckConstraint("mode IN ('instant', 'batched', 'digest', 'off')", name="mode"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]


class QuietHours(Base):
    """Time of day without messages, in the person's time zone."""

    __tablename__ = "quiet_hours"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    begins: Mapped[time] = mapped_column(Time())
    ends: Mapped[time] = mapped_column(Time())


class DigestPreference(Base):
    """Digest settings of a person; without a row, they get no digests."""

    __tablename__ = "digest_preferences"
    __table_args__ = (
        CheckConstraint("period IN ('daily', 'weekly')", name="period"),
        Index("ix_digest_preferences_next_at", "next_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    period: Mapped[str]
    hour: Mapped[int] = mapped_column(SmallInteger)
    """In the person's time zone."""
    weekday: Mapped[int] = mapped_column(SmallInteger)
    """Day of a weekly digest; 1 is Monday."""
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey(NotificationChannel.id, ondelete="SET NULL"))
    """The chosen e-mail channel; if null, the oldest one."""
    time_zone: Mapped[str]
    """Time zone in which `next_at` was computed; if the person changes theirs, `next_at` is computed again."""
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]


class SentDigest(Base):
    """Ledger of digests: one per person and period, with its state."""

    __tablename__ = "digests"
    __table_args__ = (
        UniqueConstraint("user_id", "period"),
        CheckConstraint("state IN ('pending', 'sent', 'empty', 'superseded', 'failed')", name="state"),
        Index("ix_digests_user_id_until", "user_id", "until"),
        Index("ix_digests_created_at", "created_at"),
        Index("ix_digests_pending", "user_id", "id", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    period: Mapped[str]
    """For example daily:2026-11-22, weekly:2026-W47."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    entries: Mapped[int]
    state: Mapped[str]
    """empty: no updates, so no mail."""
    delivery_id: Mapped[UUID | None] = mapped_column(unique=True)
    """No foreign key: deliveries are removed by age, but the ledger stays."""
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class NotifiedEvent(Base):
    """An event that has deliveries. Old events are removed together with their deliveries."""

    __tablename__ = "notified_events"
    __table_args__ = (
        Index("ix_notified_events_noted_at", "noted_at"),
        Index("ix_notified_events_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event: Mapped[str]
    aggregate: Mapped[str]
    payload: Mapped[dict[str, Any]]
    user_id: Mapped[UUID | None]
    """No foreign key, here and below: erasure deletes by this column."""
    occurred_at: Mapped[datetime]
    noted_at: Mapped[datetime]


class NotificationDelivery(Base):
    """One event for one channel."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'failed', 'skipped')", name="state"),
        # Also ensures that a repeated fan-out adds nothing.
        Index("uq_notification_deliveries_event_id_channel_id", "event_id", "channel_id", unique=True),
        Index("ix_notification_deliveries_channel_id_id", "channel_id", "id"),
        Index("ix_notification_deliveries_due_at", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_notification_deliveries_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index(
            "ix_notification_deliveries_batch",
            "batch",
            postgresql_where=text("state = 'pending' AND batch IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey(NotifiedEvent.id, ondelete="CASCADE"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey(NotificationChannel.id, ondelete="CASCADE"))
    user_id: Mapped[UUID | None]
    """The recipient; may be null if the message is about the channel itself."""
    subject_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    gathered: Mapped[bool] = mapped_column(server_default=text("false"))
    """Waits to be sent together with others."""
    batch: Mapped[str | None]
    """The batch that it was gathered in; it is sent when the batch is released."""
    message_id: Mapped[UUID | None]
    """Id of the message that combines gathered deliveries."""
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
