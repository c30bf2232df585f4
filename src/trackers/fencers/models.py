"""Tables of fencers, clubs, their followers, and registrations for events."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.database import Base
from shared.scraping.models import ScrapeTarget
from users.accounts.models import User


class FencingClub(Base):
    """A club; its target is created when somebody follows it."""

    __tablename__ = "fencing_clubs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    upstream_id: Mapped[int] = mapped_column(unique=True)
    target_id: Mapped[UUID | None] = mapped_column(ForeignKey(ScrapeTarget.id, ondelete="SET NULL"), unique=True)
    slug: Mapped[str] = mapped_column(server_default=text("'x'"))
    name: Mapped[str | None]
    """The name on the page; None until the page is read."""
    read_at: Mapped[datetime | None]
    """Time at which the page was last parsed, and not merely found unchanged."""


class Fencer(Base):
    """A fencer that a person follows or a club's page lists; without a number if that page has no links."""

    __tablename__ = "fencers"
    __table_args__ = (
        CheckConstraint("num_nonnulls(upstream_id, club_id) >= 1", name="known_by"),
        Index(
            "uq_fencers_club_id_folded",
            "club_id",
            "folded",
            unique=True,
            postgresql_where=text("upstream_id IS NULL"),
        ),
        Index("ix_fencers_folded", "folded"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    upstream_id: Mapped[int | None] = mapped_column(unique=True)
    target_id: Mapped[UUID | None] = mapped_column(ForeignKey(ScrapeTarget.id, ondelete="SET NULL"), unique=True)
    club_id: Mapped[UUID | None] = mapped_column(ForeignKey(FencingClub.id))
    """For a fencer without a number: the club whose page lists the fencer."""
    slug: Mapped[str] = mapped_column(server_default=text("'x'"))
    name: Mapped[str | None]
    folded: Mapped[str] = mapped_column(server_default=text("''"))
    """The name's words without case and accents, in alphabetical order."""
    read_at: Mapped[datetime | None]
    registrations: Mapped[list["FencingRegistration"]] = relationship(lazy="raise", viewonly=True)


class TrackedColumns:
    """Columns of a followed fencer or club."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    """The follower's own name for it; None: the name on the page."""
    weapons: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    """Sorted, without duplicates; empty: all weapons."""
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    followed_since: Mapped[datetime]
    """Start of the current active time without a break."""


class TrackedFencer(TrackedColumns, Base):
    """A fencer that a person follows."""

    __tablename__ = "tracked_fencers"
    __table_args__ = (
        UniqueConstraint("user_id", "fencer_id", name="uq_tracked_fencers_user_fencer_id"),
        Index("ix_tracked_fencers_fencer_id", "fencer_id", postgresql_where=text("active")),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    fencer_id: Mapped[UUID] = mapped_column(ForeignKey(Fencer.id))
    user: Mapped[User] = relationship(lazy="raise", viewonly=True)
    fencer: Mapped[Fencer] = relationship(lazy="raise", viewonly=True)


class TrackedClub(TrackedColumns, Base):
    """A club that a person follows."""

    __tablename__ = "tracked_clubs"
    __table_args__ = (
        UniqueConstraint("user_id", "club_id", name="uq_tracked_clubs_user_club_id"),
        Index("ix_tracked_clubs_club_id", "club_id", postgresql_where=text("active")),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    club_id: Mapped[UUID] = mapped_column(ForeignKey(FencingClub.id))
    user: Mapped[User] = relationship(lazy="raise", viewonly=True)
    club: Mapped[FencingClub] = relationship(lazy="raise", viewonly=True)


class FencingTournament(Base):
    """A tournament of one season; the same name in the next season is another tournament."""

    __tablename__ = "fencing_tournaments"
    __table_args__ = (UniqueConstraint("folded", "season"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str]
    season: Mapped[int] = mapped_column(SmallInteger)
    """The year in which the season ends."""


class FencingEvent(Base):
    """An event of a tournament, identified by the site's number, or else by tournament, code and day."""

    __tablename__ = "fencing_events"
    __table_args__ = (
        Index("ix_fencing_events_tournament_id", "tournament_id"),
        CheckConstraint("weapon IN ('epee', 'foil', 'saber')", name="weapon"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    upstream_id: Mapped[int | None] = mapped_column(unique=True)
    tournament_id: Mapped[UUID] = mapped_column(ForeignKey(FencingTournament.id))
    name: Mapped[str]
    code: Mapped[str]
    """Code on the site, or else the folded name."""
    weapon: Mapped[str | None]
    held_on: Mapped[date | None]


class FencingRegistration(Base):
    """Registration of a fencer for an event, open or withdrawn."""

    __tablename__ = "fencing_registrations"
    __table_args__ = (
        UniqueConstraint("fencer_id", "event_id"),
        Index("ix_fencing_registrations_event_id", "event_id"),
        Index("ix_fencing_registrations_fencer_id_first_seen_at", "fencer_id", "first_seen_at"),
        Index(
            "ix_fencing_registrations_identified_at",
            "identified_at",
            postgresql_where=text("identified_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fencer_id: Mapped[UUID] = mapped_column(ForeignKey(Fencer.id, ondelete="CASCADE"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey(FencingEvent.id))
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    identified_at: Mapped[datetime | None]
    """Time at which the fencer was identified, if a club's page listed only a name; new for followers since then."""
    event: Mapped[FencingEvent] = relationship(lazy="raise", viewonly=True)


class FencingListing(Base):
    """A page lists a registration, or listed it before; other pages may list it longer."""

    __tablename__ = "fencing_listings"
    __table_args__ = (
        Index("ix_fencing_listings_registration_id", "registration_id"),
        Index("ix_fencing_listings_listed_at", "listed_at"),
        Index("ix_fencing_listings_target_id_listed_at", "target_id", "listed_at"),
        Index("ix_fencing_listings_target_id_gone_at", "target_id", "gone_at"),
    )

    target_id: Mapped[UUID] = mapped_column(ForeignKey(ScrapeTarget.id, ondelete="CASCADE"), primary_key=True)
    registration_id: Mapped[UUID] = mapped_column(
        ForeignKey(FencingRegistration.id, ondelete="CASCADE"), primary_key=True
    )
    listed_on: Mapped[date | None]
    """The day on this page."""
    listed_at: Mapped[datetime]
    """Time at which this page first listed it; new for followers of the page since then."""
    gone_at: Mapped[datetime | None]


class FencingChange(Base):
    """A change of a registration; digests and histories consist of these."""

    __tablename__ = "fencing_changes"
    __table_args__ = (
        CheckConstraint("kind IN ('registered', 'withdrawn', 'returned', 'moved')", name="kind"),
        Index("ix_fencing_changes_registration_id_at", "registration_id", "at"),
        Index("ix_fencing_changes_at", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    registration_id: Mapped[UUID] = mapped_column(ForeignKey(FencingRegistration.id, ondelete="CASCADE"))
    kind: Mapped[str]
    at: Mapped[datetime]
    day_before: Mapped[date | None]
    day: Mapped[date | None]
