"""Tables of game accounts, their followers, their playlist states and the history of those."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from shared.scraping.models import ScrapeTarget
from users.accounts.models import User
from users.guilds.models import Guild


class GameAccount(Base):
    """An account on one platform of one game."""

    __tablename__ = "game_accounts"
    __table_args__ = (UniqueConstraint("game", "platform", "identifier"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    target_id: Mapped[UUID] = mapped_column(ForeignKey(ScrapeTarget.id), unique=True)
    game: Mapped[str]
    platform: Mapped[str]
    identifier: Mapped[str]
    display: Mapped[str]
    handle: Mapped[str | None]
    avatar_url: Mapped[str | None]
    upstream_player_id: Mapped[int | None] = mapped_column(BigInteger)
    current_season: Mapped[str | None]
    upstream_updated_at: Mapped[datetime | None]
    lifetime: Mapped[dict[str, Any] | None]
    peaks: Mapped[list[Any] | None] = mapped_column(JSONB)
    seasons_known: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class Tracker(Base):
    """One person follows one account. Removed trackers stay with `deleted_at` and do not count."""

    __tablename__ = "game_trackers"
    __table_args__ = (
        Index(
            "uq_game_trackers_user_id_account_id",
            "user_id",
            "account_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_game_trackers_account_id", "account_id", postgresql_where=text("deleted_at IS NULL AND active")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id))
    url: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class GameSeason(Base):
    """A season in which an account was seen."""

    __tablename__ = "game_seasons"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id, ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    number: Mapped[int | None] = mapped_column(Integer)


class RatingColumns:
    """Columns that the current state of a playlist and every former state share."""

    rating: Mapped[int] = mapped_column(Integer)
    tier: Mapped[int | None] = mapped_column(SmallInteger)
    division: Mapped[int | None] = mapped_column(SmallInteger)
    matches_played: Mapped[int] = mapped_column(Integer)
    win_streak: Mapped[int] = mapped_column(Integer)
    estimated: Mapped[bool]


class PlaylistStateRow(RatingColumns, Base):
    """The current state of an account in a playlist of a season. Playlists are rows, because new ones appear."""

    __tablename__ = "game_playlist_states"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id, ondelete="CASCADE"), primary_key=True)
    season_key: Mapped[str] = mapped_column(primary_key=True)
    playlist_key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    tier_name: Mapped[str | None]
    division_name: Mapped[str | None]
    peak_rating: Mapped[int | None] = mapped_column(Integer)
    peak_tier: Mapped[int | None] = mapped_column(SmallInteger)
    peak_division: Mapped[int | None] = mapped_column(SmallInteger)
    delta_up: Mapped[int | None] = mapped_column(Integer)
    delta_down: Mapped[int | None] = mapped_column(Integer)
    changed_at: Mapped[datetime]


class GameSnapshot(Base):
    """A moment at which a playlist state changed; the changed states are in `game_ratings`."""

    __tablename__ = "game_snapshots"
    __table_args__ = (Index("ix_game_snapshots_account_id_captured_at", "account_id", "captured_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id, ondelete="CASCADE"))
    season_key: Mapped[str]
    captured_at: Mapped[datetime]
    run_id: Mapped[UUID | None]


class SnapshotRating(RatingColumns, Base):
    """The state of a playlist at a snapshot; only changed playlists have a row."""

    __tablename__ = "game_ratings"

    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey(GameSnapshot.id, ondelete="CASCADE"), primary_key=True)
    playlist_key: Mapped[str] = mapped_column(primary_key=True)
    rating_before: Mapped[int | None] = mapped_column(Integer)


class ManualSnapshot(Base):
    """Figures that a person entered about an account that they follow. Only this person's tracker shows them."""

    __tablename__ = "game_manual_snapshots"
    __table_args__ = (
        Index("ix_game_manual_snapshots_user_id_account_id", "user_id", "account_id", "captured_at"),
        Index("ix_game_manual_snapshots_account_id", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id, ondelete="CASCADE"))
    season: Mapped[int] = mapped_column(SmallInteger)
    captured_at: Mapped[datetime]
    entered_at: Mapped[datetime]
    note: Mapped[str]
    evidence_url: Mapped[str | None]


class ManualRating(Base):
    """A playlist of a manual snapshot."""

    __tablename__ = "game_manual_ratings"

    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey(ManualSnapshot.id, ondelete="CASCADE"), primary_key=True)
    playlist_key: Mapped[str] = mapped_column(primary_key=True)
    rating: Mapped[int] = mapped_column(Integer)
    tier: Mapped[int | None] = mapped_column(SmallInteger)
    division: Mapped[int | None] = mapped_column(SmallInteger)
    matches_played: Mapped[int] = mapped_column(Integer)
    win_streak: Mapped[int] = mapped_column(Integer)


class ManualReview(Base):
    """The decision of a guild's staff on a manual snapshot; without a row it is waiting."""

    __tablename__ = "game_manual_reviews"
    __table_args__ = (Index("ix_game_manual_reviews_guild_id", "guild_id"),)

    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey(ManualSnapshot.id, ondelete="CASCADE"), primary_key=True)
    guild_id: Mapped[str] = mapped_column(ForeignKey(Guild.id, ondelete="CASCADE"), primary_key=True)
    confirmed: Mapped[bool]
    reviewed_at: Mapped[datetime]


class GameSchedule(Base):
    """Processing of the trackers of a guild's members, once or repeatedly, with the result of the last time."""

    __tablename__ = "game_schedules"
    __table_args__ = (
        CheckConstraint("status IN ('PENDING', 'COMPLETED', 'CANCELLED', 'FAILED')", name="status"),
        Index("ix_game_schedules_guild_id", "guild_id", "id"),
        Index("ix_game_schedules_due", "scheduled_at", postgresql_where=text("status = 'PENDING' AND NOT under_way")),
        Index("ix_game_schedules_under_way", "started_at", postgresql_where=text("under_way")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    guild_id: Mapped[str] = mapped_column(ForeignKey(Guild.id, ondelete="CASCADE"))
    status: Mapped[str]
    """Recurring schedules are PENDING until they are cancelled."""
    reason: Mapped[str | None]
    scheduled_at: Mapped[datetime]
    """The next time, if the schedule recurs."""
    cron: Mapped[str | None]
    time_zone: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    under_way: Mapped[bool] = mapped_column(server_default=text("false"))
    planned_for: Mapped[datetime | None]
    """Planned time of the last processing; the three columns below are about that processing, too."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ScheduledRun(Base):
    """A run that an active schedule waits for. Not a foreign key, because the engine may remove runs and targets."""

    __tablename__ = "game_schedule_runs"

    schedule_id: Mapped[UUID] = mapped_column(ForeignKey(GameSchedule.id, ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)


class GuildScore(Base):
    """The score of a tracker by a guild's formula; derived data without foreign keys (see `rating_repository`)."""

    __tablename__ = "game_guild_scores"
    __table_args__ = (
        Index("ix_game_guild_scores_user_id", "user_id"),
        Index("ix_game_guild_scores_board", "guild_id", text("score DESC"), "user_id", postgresql_where=text("best")),
    )

    guild_id: Mapped[str] = mapped_column(primary_key=True)
    tracker_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    account_id: Mapped[UUID]
    score: Mapped[int]
    salary: Mapped[int]
    games: Mapped[int] = mapped_column(Integer)
    """Games that the score is based on; 0: not rated."""
    formula: Mapped[str]
    """Digest of the guild's formula and of its setting for manual snapshots, as they were stored.

    A release that changes the meaning of a formula empties the table.
    """
    season: Mapped[int] = mapped_column(Integer)
    best: Mapped[bool]
    """True for the tracker that represents the person on the guild's leaderboard; each person has one."""
    computed_at: Mapped[datetime]
    manual: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the score is based on a manual snapshot."""
    fetched_at: Mapped[datetime | None]
    """If manual snapshots count: the account's last fetch at the time of computing. A later fetch may outdate them."""


class GuildRating(Base):
    """A rating of an account's current season, for the guilds on whose leaderboards it may appear."""

    __tablename__ = "game_guild_ratings"
    __table_args__ = (
        Index(
            "ix_game_guild_ratings_board",
            "guild_id",
            "season",
            "playlist_key",
            text("rating DESC"),
            "user_id",
            postgresql_where=text("best"),
        ),
    )

    guild_id: Mapped[str] = mapped_column(primary_key=True)
    tracker_id: Mapped[UUID] = mapped_column(primary_key=True)
    playlist_key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    season: Mapped[int] = mapped_column(Integer)
    rating: Mapped[int] = mapped_column(Integer)
    best: Mapped[bool]
    """As in `GuildScore`."""
    manual_id: Mapped[UUID | None]
    """The manual snapshot that the rating is from; NULL: from the site."""
    vouched: Mapped[bool] = mapped_column(server_default=text("true"))
    """True if the site or the guild's staff vouch for it; only such a rating opens a season on the leaderboard."""
