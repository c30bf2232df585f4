"""Accounts on game sites, who follows them, where they stand, and how that moved."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from shared.scraping.models import ScrapeTarget
from users.accounts.models import User


class GameAccount(Base):
    """One account on one platform of one game, as the site tells of it."""

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
    """One person follows one account. Removed ones stay, marked, and do not count."""

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
    """A season that an account has been seen in."""

    __tablename__ = "game_seasons"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id, ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    number: Mapped[int | None] = mapped_column(Integer)


class RatingColumns:
    """Where somebody stands in a playlist; one shape for the standing of now and for every one before it."""

    rating: Mapped[int] = mapped_column(Integer)
    tier: Mapped[int | None] = mapped_column(SmallInteger)
    division: Mapped[int | None] = mapped_column(SmallInteger)
    matches_played: Mapped[int] = mapped_column(Integer)
    win_streak: Mapped[int] = mapped_column(Integer)
    estimated: Mapped[bool]


class PlaylistStanding(RatingColumns, Base):
    """Where an account stands now in a playlist of a season; playlists are rows, because new ones appear."""

    __tablename__ = "game_standings"

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
    """A moment at which something moved; its rows are in `game_ratings`."""

    __tablename__ = "game_snapshots"
    __table_args__ = (Index("ix_game_snapshots_account_id_captured_at", "account_id", "captured_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(GameAccount.id, ondelete="CASCADE"))
    season_key: Mapped[str]
    captured_at: Mapped[datetime]
    run_id: Mapped[UUID | None]
    entered_by: Mapped[UUID | None]
    """Who typed it in: a person's id, or a bot key's; NULL: it was fetched."""
    note: Mapped[str | None]
    evidence_url: Mapped[str | None]


class SnapshotRating(RatingColumns, Base):
    """What a playlist's standing had become at a snapshot; playlists that did not move are not repeated."""

    __tablename__ = "game_ratings"

    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey(GameSnapshot.id, ondelete="CASCADE"), primary_key=True)
    playlist_key: Mapped[str] = mapped_column(primary_key=True)
    rating_before: Mapped[int | None] = mapped_column(Integer)
