"""Accounts, their outside identities, the codes with which an identity is claimed, and mails about addresses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class User(Base):
    """A person, however many outside identities they have; without a password for as long as only a bot knows them."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('user', 'admin')", name="role"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(server_default=text("'user'"))
    email: Mapped[str | None] = mapped_column(unique=True)
    """In lower case, as people type it."""
    username: Mapped[str | None] = mapped_column(unique=True)
    """In lower case."""
    display_name: Mapped[str | None]
    password_hash: Mapped[str | None]
    """Argon2 in its PHC string form, which names its parameters."""
    password_changed_at: Mapped[datetime | None]
    time_zone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    locale: Mapped[str] = mapped_column(server_default=text("'en'"))
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


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


class ClaimCode(Base):
    """A code that a bot handed to the person behind an identity, to be typed in where they log in; one per identity."""

    __tablename__ = "claim_codes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["provider", "external_id"],
            ["user_identities.provider", "user_identities.external_id"],
            ondelete="CASCADE",
        ),
    )

    provider: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]


class AccountMail(Base):
    """A mail about an account's e-mail address: waiting to be sent, or, for a confirmation, for its link to be used."""

    __tablename__ = "account_mails"
    __table_args__ = (
        CheckConstraint("kind IN ('confirmation', 'change', 'removal')", name="kind"),
        Index("ix_account_mails_user_id", "user_id"),
        Index("uq_account_mails_confirmation", "user_id", unique=True, postgresql_where=text("kind = 'confirmation'")),
        Index("ix_account_mails_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    kind: Mapped[str]
    address: Mapped[str]
    """The recipient. Of a confirmation, the address that the account gets when its link is used."""
    digest: Mapped[bytes | None]
    """Of the token in the link that was mailed last."""
    due_at: Mapped[datetime | None]
    """The next attempt to send it; NULL: it was sent, or never will be."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
