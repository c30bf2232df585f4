"""Players of the hiscores, what was recorded of them, and what follows from it (docs/decisions/0012)."""

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
    """Something that the hiscores count. Rows come as new names do; a number stands for it everywhere else."""

    __tablename__ = "hiscore_metrics"

    id: Mapped[int] = mapped_column(SmallInteger, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    first_seen_at: Mapped[datetime]


class HiscoreTable(Base):
    """A mode's table as it was seen last: its names, in their order."""

    __tablename__ = "hiscore_tables"

    mode: Mapped[str] = mapped_column(primary_key=True)
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    activities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    seen_at: Mapped[datetime]


class HiscorePlayer(Base):
    """One account of the game, however it is spelt. Removed ones stay, marked, with their history."""

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
    """Stands for the player in the large tables."""
    target_id: Mapped[UUID] = mapped_column(ForeignKey(ScrapeTarget.id))
    username: Mapped[str]
    """Canonical."""
    display_name: Mapped[str]
    mode: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    """When the hiscores first showed the player; NULL: nobody knows yet that there is one."""
    provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    """Somebody is adding the player and waits for the first look: for everybody else there is none yet."""
    flagged_at: Mapped[datetime | None]
    """Since when the hiscores show less than before; settled once that has lasted, or is over."""
    recorded_at: Mapped[datetime | None]
    """When a record was stored last; this and what it came to in all stands here for the lists' sake."""
    overall_xp: Mapped[int | None]
    total_level: Mapped[int | None] = mapped_column(Integer)


class HiscoreState(Base):
    """What the last look that counts showed of a player: every metric, with its rank of then."""

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
    """What had changed at a look; ranks alone are no change. A keyframe holds every metric, the others what differs
    from the record before.
    """

    __tablename__ = "hiscore_records"
    __table_args__ = (
        PrimaryKeyConstraint("player", "at"),
        Index("ix_hiscore_records_keyframes", "player", "at", postgresql_where=text("kind = 1")),
    )

    player: Mapped[int] = mapped_column(Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"))
    era: Mapped[int] = mapped_column(SmallInteger)
    """Counts the times that a player began anew: a rollback, or another account under the name."""
    kind: Mapped[int] = mapped_column(SmallInteger)
    """0 what differs, 1 keyframe, 2 flagged: less than before, and kept out of gains."""
    at: Mapped[datetime]
    metrics: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    vals: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    ranks: Mapped[list[int | None]] = mapped_column(ARRAY(Integer))


class HiscoreGain(Base):
    """What a player gained in a day, week, month or year (UTC); of past ones only the last is kept.

    Derived, and written a lot: without foreign keys.
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
    """The day, week, month or year in which a player gained most; derived, as gains are."""

    __tablename__ = "hiscore_bests"
    __table_args__ = (PrimaryKeyConstraint("player", "metric", "period"),)

    player: Mapped[int] = mapped_column(Integer)
    metric: Mapped[int] = mapped_column(SmallInteger)
    period: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[date]
    gain: Mapped[int]


class HiscoreAchievement(Base):
    """A threshold that a player has passed: between two looks, or before the first."""

    __tablename__ = "hiscore_achievements"
    __table_args__ = (PrimaryKeyConstraint("player", "metric", "threshold"),)

    player: Mapped[int] = mapped_column(Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"))
    metric: Mapped[int] = mapped_column(SmallInteger)
    threshold: Mapped[int]
    after: Mapped[datetime | None]
    """The last look before; NULL: it was passed before anybody looked."""
    before: Mapped[datetime]


class HiscoreFollow(Base):
    """One person follows one player."""

    __tablename__ = "hiscore_follows"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "player_id"),
        Index("ix_hiscore_follows_player_id", "player_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    player_id: Mapped[UUID] = mapped_column(ForeignKey(HiscorePlayer.id, ondelete="CASCADE"))
    created_at: Mapped[datetime]


class HiscoreName(Base):
    """A name that a player had before."""

    __tablename__ = "hiscore_names"
    __table_args__ = (
        PrimaryKeyConstraint("player", "until"),
        Index("ix_hiscore_names_username", "username"),
    )

    player: Mapped[int] = mapped_column(Integer, ForeignKey(HiscorePlayer.no, ondelete="CASCADE"))
    username: Mapped[str]
    until: Mapped[datetime]
