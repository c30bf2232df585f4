"""Tables of guilds, memberships and leaderboard opt-outs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from users.accounts.models import User


class Guild(Base):
    """A Discord server that a bot has reported."""

    __tablename__ = "guilds"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A snowflake; text, because 20 digits do not fit a bigint."""
    name: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Values that differ from the defaults of `GuildSettings`."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class GuildMember(Base):
    """Membership of a person in a guild."""

    __tablename__ = "guild_members"
    __table_args__ = (Index("ix_guild_members_user_id", "user_id"),)

    guild_id: Mapped[str] = mapped_column(ForeignKey(Guild.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    admin: Mapped[bool]
    joined_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    """Confirmation of the membership by more than the guild's own key, which can put anybody into its guild.

    `operator`: a key for all guilds put the member. `person`: the member confirmed it. `creation`: the account was
    created when a guild's key put the member, so it holds nothing older; this ends when the person registers, or when
    another bot puts the account or acts for it. NULL: unconfirmed; the guild's bots, admins, channels and leaderboards
    get nothing of the person.
    """


class GuildMemberIdentity(Base):
    """A Discord id that a bot put into a guild, and the member behind it. A person may have several ids."""

    __tablename__ = "guild_member_identities"
    __table_args__ = (
        ForeignKeyConstraint(["guild_id", "user_id"], [GuildMember.guild_id, GuildMember.user_id], ondelete="CASCADE"),
        Index("ix_guild_member_identities_guild_id_user_id", "guild_id", "user_id"),
        Index("ix_guild_member_identities_user_id", "user_id"),
    )

    guild_id: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    admin: Mapped[bool]
    """Value from the bot. The member is an admin if any of their ids is."""
    joined_at: Mapped[datetime]


class LeaderboardOptOut(Base):
    """A person's wish not to appear on the leaderboards of a guild. It outlives the membership."""

    __tablename__ = "leaderboard_opt_outs"
    __table_args__ = (
        UniqueConstraint("user_id", "guild_id", postgresql_nulls_not_distinct=True),
        Index("ix_leaderboard_opt_outs_guild_id", "guild_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    guild_id: Mapped[str | None] = mapped_column(ForeignKey(Guild.id, ondelete="CASCADE"))
    """NULL: all guilds."""
