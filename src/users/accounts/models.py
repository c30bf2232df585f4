"""Tables of accounts, outside identities, claim codes, and mails about addresses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base


class User(Base):
    """A person with any number of outside identities. There is no password while only a bot knows the person."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('user', 'admin')", name="role"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(server_default=text("'user'"))
    email: Mapped[str | None] = mapped_column(unique=True)
    """Normalised, in lower case."""
    username: Mapped[str | None] = mapped_column(unique=True)
    """In lower case."""
    display_name: Mapped[str | None]
    password_hash: Mapped[str | None]
    """Argon2 hash in PHC string form, which includes its parameters."""
    password_changed_at: Mapped[datetime | None]
    time_zone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    locale: Mapped[str] = mapped_column(server_default=text("'en'"))
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


class UserIdentity(Base):
    """A person's identity elsewhere, as the bot last reported it."""

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
    """A code that a bot gave to the person behind an identity, to enter in their account. One per identity."""

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
    """A mail about an account's address. It waits to be sent; a confirmation then waits until its link is used."""

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
    """Recipient. For a confirmation, also the address that the account gets when the link is used."""
    digest: Mapped[bytes | None]
    """Digest of the token in the link that was mailed last."""
    due_at: Mapped[datetime | None]
    """Time of the next attempt to send; NULL if the mail was sent or will never be sent."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
