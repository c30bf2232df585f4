"""Tables of players, their records and derived data (docs/decisions/0012)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from shared.scraping.models import EAGER_AUTOVACUUM, ScrapeTarget
from users.accounts.models import User


class HiscoreMetric(Base):
    """A metric of the hiscores. New names add rows; other tables refer to the number."""

    __tablename__ = "hiscore_metrics"

    id: Mapped[int] = mapped_column(SmallInteger, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    first_seen_at: Mapped[datetime]


class HiscoreTable(Base):
    """The table of a game mode as last seen: the names in its lists, in order."""

    __tablename__ = "hiscore_tables"

    mode: Mapped[str] = mapped_column(primary_key=True)
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    activities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    seen_at: Mapped[datetime]


class HiscorePlayer(Base):
    """An account of the game, in any spelling. Removed players stay, marked, with their history."""

    __tablename__ = "hiscore_players"
    __table_args__ = (
        Index("uq_hiscore_players_username", "username", unique=True, postgresql_where=text("removed_at IS NULL")),
        Index("ix_hiscore_players_target_id", "target_id"),
        *(
            Index(
                f"ix_hiscore_players_by_{column}",
                text(f"{column} DESC NULLS LAST"),
                text("id DESC"),
                postgresql_where=text("removed_at IS NULL"),
            )
            for column in ("recorded_at", "overall_xp", "total_level")
        ),
        Index("ix_hiscore_players_added_by", "added_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(Integer, Identity(), unique=True)
    """Number of the player in the large tables."""
    target_id: Mapped[UUID] = mapped_column(ForeignKey(ScrapeTarget.id))
    username: Mapped[str]
    """Canonical spelling."""
    display_name: Mapped[str]
    mode: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    """Time of the first fetch that found the player; NULL: the player may not exist."""
    provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    """True while somebody is adding the player and waits for the first fetch; nobody else can see it yet."""
    flagged_at: Mapped[datetime | None]
    """Time since which the hiscores show less than before; NULL again once the decrease has lasted, or is over."""
    recorded_at: Mapped[datetime | None]
    """Time of the last record. It is copied here, with the totals, so that lists can be sorted."""
    overall_xp: Mapped[int | None]
    total_level: Mapped[int | None] = mapped_column(Integer)


class HiscoreState(Base):
    """State of a player after the last fetch that counts: every metric, with its rank at that time."""

    __tablename__ = "hiscore_states"
    __table_args__ = ({"postgresql_with": {"fillfactor": "60", **EAGER_AUTOVACUUM}},)

    player: Mapped[int] = mapped_column(
        Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    metrics: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    vals: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    ranks: Mapped[list[int | None]] = mapped_column(ARRAY(Integer))
    era: Mapped[int] = mapped_column(SmallInteger)
    since_keyframe: Mapped[int] = mapped_column(SmallInteger)
    fetched_at: Mapped[datetime]
    fetches: Mapped[int] = mapped_column(Integer)
    records: Mapped[int] = mapped_column(Integer)


class HiscoreRecord(Base):
    """Changes that a fetch showed. A change of rank alone is not recorded.

    A keyframe holds every metric; other records hold the differences from the record before.
    """

    __tablename__ = "hiscore_records"
    __table_args__ = (
        PrimaryKeyConstraint("player", "at"),
        Index("ix_hiscore_records_keyframes", "player", "at", postgresql_where=text("kind = 1")),
    )

    player: Mapped[int] = mapped_column(Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"))
    era: Mapped[int] = mapped_column(SmallInteger)
    """Number of resets before the record: rollbacks, or other accounts under the name."""
    kind: Mapped[int] = mapped_column(SmallInteger)
    """0 differences, 1 keyframe, 2 flagged decrease, which is kept out of gains."""
    at: Mapped[datetime]
    metrics: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    vals: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    ranks: Mapped[list[int | None]] = mapped_column(ARRAY(Integer))


class HiscoreGain(Base):
    """Gain of a player in a day, week, month or year (UTC). Of past periods only the last is kept.

    The data is derived and often written, so it has no foreign keys.
    """

    __tablename__ = "hiscore_gains"
    __table_args__ = (
        PrimaryKeyConstraint("player", "metric", "period", "starts"),
        Index("ix_hiscore_gains_board", "metric", "period", "starts", text("gain DESC"), "player"),
        Index("ix_hiscore_gains_period", "period", "starts"),
        {"postgresql_with": EAGER_AUTOVACUUM},
    )

    player: Mapped[int] = mapped_column(Integer)
    metric: Mapped[int] = mapped_column(SmallInteger)
    period: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[date]
    gain: Mapped[int]


class HiscoreBest(Base):
    """The day, week, month or year with a player's largest gain; derived like gains."""

    __tablename__ = "hiscore_bests"
    __table_args__ = (PrimaryKeyConstraint("player", "metric", "period"),)

    player: Mapped[int] = mapped_column(Integer)
    metric: Mapped[int] = mapped_column(SmallInteger)
    period: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[date]
    gain: Mapped[int]


class HiscoreAchievement(Base):
    """A threshold that a player has passed, between two fetches or before the first."""

    __tablename__ = "hiscore_achievements"
    __table_args__ = (PrimaryKeyConstraint("player", "metric", "threshold"),)

    player: Mapped[int] = mapped_column(Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"))
    metric: Mapped[int] = mapped_column(SmallInteger)
    threshold: Mapped[int]
    after: Mapped[datetime | None]
    """Time of the fetch before; NULL: the threshold was passed before the first fetch."""
    before: Mapped[datetime]


class HiscoreFollow(Base):
    """A person follows a player."""

    __tablename__ = "hiscore_follows"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "player_id"),
        Index("ix_hiscore_follows_player_id", "player_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    player_id: Mapped[UUID] = mapped_column(ForeignKey(HiscorePlayer.id, ondelete="CASCADE"))
    created_at: Mapped[datetime]


class HiscoreName(Base):
    """A former name of a player."""

    __tablename__ = "hiscore_names"
    __table_args__ = (
        PrimaryKeyConstraint("player", "until"),
        Index("ix_hiscore_names_username", "username"),
    )

    player: Mapped[int] = mapped_column(Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"))
    username: Mapped[str]
    until: Mapped[datetime]
