"""Trips, the watches on their prices, the searches that watches share, what those cost, and what was told."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from shared.scraping.models import ScrapeTarget
from users.accounts.models import User


class Trip(Base):
    """A journey that a person thinks of; nobody else sees it."""

    __tablename__ = "flight_trips"
    __table_args__ = (
        Index("ix_flight_trips_user_id_id", "user_id", "id"),
        Index("ix_flight_trips_ends_at", "ends_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    name: Mapped[str | None]
    origin: Mapped[str]
    destination: Mapped[str]
    departs_on: Mapped[date] = mapped_column(Date())
    returns_on: Mapped[date | None] = mapped_column(Date())
    adults: Mapped[int] = mapped_column(SmallInteger)
    children: Mapped[int] = mapped_column(SmallInteger)
    infants_in_seat: Mapped[int] = mapped_column(SmallInteger)
    infants_on_lap: Mapped[int] = mapped_column(SmallInteger)
    max_stops: Mapped[int | None] = mapped_column(SmallInteger)
    notes: Mapped[str | None]
    ends_at: Mapped[datetime]
    """When its day of departure is over at the origin."""
    ended_at: Mapped[datetime | None]
    """When its watches were stopped for that."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class FlightQuery(Base):
    """One search of one provider, shared by every watch that asks the same; of `manual`, one trip's own.

    Also the last that is known of it, so that a watch is evaluated without reading its history.
    """

    __tablename__ = "flight_queries"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("target_id"),
        Index("ix_flight_queries_trip_id", "trip_id", postgresql_where=text("trip_id IS NOT NULL")),
        Index("ix_flight_queries_ends_at", "ends_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    target_id: Mapped[UUID | None] = mapped_column(ForeignKey(ScrapeTarget.id))
    """NULL: nothing fetches it."""
    trip_id: Mapped[UUID | None] = mapped_column(ForeignKey(Trip.id, ondelete="CASCADE"))
    """Whose own it is, where prices are typed in."""
    provider: Mapped[str]
    origin: Mapped[str]
    destination: Mapped[str]
    departs_on: Mapped[date] = mapped_column(Date())
    returns_on: Mapped[date | None] = mapped_column(Date())
    travellers: Mapped[int] = mapped_column(SmallInteger)
    cabin_class: Mapped[str]
    currency: Mapped[str]
    ends_at: Mapped[datetime]
    """When its day of departure is over at the origin: nobody asks for it any more."""
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    checked_at: Mapped[datetime | None]
    """When a look last brought an answer."""
    captured_at: Mapped[datetime | None]
    """When the offers of the last answer were first seen."""
    snapshot_id: Mapped[UUID | None]
    """Of the offer whose price it is."""
    price: Mapped[int | None]
    """The last that can be trusted."""
    digest: Mapped[bytes | None]
    """Of the offers of the last answer: equal ones are seen again, not stored again."""
    offers: Mapped[int | None] = mapped_column(Integer)
    """How many the last answer had; 0: no flights."""
    suspect: Mapped[int | None]
    """A price far below the usual that waits for a second look."""
    level: Mapped[int | None] = mapped_column(SmallInteger)
    typical_low: Mapped[int | None]
    typical_high: Mapped[int | None]
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """In a row, of whatever kind."""
    failing_since: Mapped[datetime | None]


class TripQuery(Base):
    """A search that was made for a trip: what its prices are read from, watched or not."""

    __tablename__ = "flight_trip_queries"
    __table_args__ = (Index("ix_flight_trip_queries_query_id", "query_id"),)

    trip_id: Mapped[UUID] = mapped_column(ForeignKey(Trip.id, ondelete="CASCADE"), primary_key=True)
    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"), primary_key=True)


class PriceWatch(Base):
    """A person wants to be told what a trip costs."""

    __tablename__ = "price_watches"
    __table_args__ = (
        Index("ix_price_watches_user_id_id", "user_id", "id"),
        Index("ix_price_watches_trip_id", "trip_id"),
        Index("ix_price_watches_active", "user_id", "id", postgresql_where=text("is_active")),
        Index(
            "ix_price_watches_judge_at", "evaluate_at", postgresql_where=text("is_active AND evaluate_at IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    trip_id: Mapped[UUID] = mapped_column(ForeignKey(Trip.id, ondelete="CASCADE"))
    provider: Mapped[str]
    target_price: Mapped[int]
    currency: Mapped[str]
    cabin_class: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    check_interval_minutes: Mapped[int] = mapped_column(Integer)
    alert_cooldown_hours: Mapped[int] = mapped_column(SmallInteger)
    flexible_days: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    remind: Mapped[bool] = mapped_column(server_default=text("false"))
    step_percent: Mapped[int] = mapped_column(SmallInteger)
    below_median_percent: Mapped[int | None] = mapped_column(SmallInteger)
    median_days: Mapped[int] = mapped_column(SmallInteger)
    lowest_ever: Mapped[bool] = mapped_column(server_default=text("false"))
    armed_at: Mapped[datetime]
    """Alerts from before are forgotten: somebody has asked anew."""
    state: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    """What was told of the present episode (`alerts.WatchState`)."""
    evaluate_at: Mapped[datetime | None]
    """When it is to be evaluated without a new price: something waits for the end of the cooldown."""
    last_alerted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WatchQuery(Base):
    """A search that a watch rests on: its own, and those of the days around it."""

    __tablename__ = "price_watch_queries"
    __table_args__ = (Index("ix_price_watch_queries_query_id", "query_id"),)

    watch_id: Mapped[UUID] = mapped_column(ForeignKey(PriceWatch.id, ondelete="CASCADE"), primary_key=True)
    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"), primary_key=True)
    told_failing: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whose watch it is knows that it fails now; of several watches of one person all know."""


class PriceSnapshot(Base):
    """An offer as it was seen, never changed but for when it was last seen again.

    Cabin, travellers and provider are those of its search. The offers of one look have one `captured_at`.
    """

    __tablename__ = "flight_snapshots"
    __table_args__ = (
        CheckConstraint("origin IN ('fetched', 'manual', 'history')", name="origin"),
        Index("ix_flight_snapshots_query_id_captured_at", "query_id", "captured_at"),
        Index(
            "ix_flight_snapshots_cheapest",
            "query_id",
            "captured_at",
            postgresql_include=["price", "id"],
            postgresql_where=text("cheapest"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"))
    captured_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    """When the same was last seen again."""
    price: Mapped[int | None]
    """Minor units; NULL: offered without a price."""
    currency: Mapped[str]
    cheapest: Mapped[bool]
    suspect: Mapped[bool] = mapped_column(server_default=text("false"))
    """Far below the usual price: what confirms it is stored as another snapshot."""
    origin: Mapped[str]
    """fetched, typed (or pushed), or history: the site's own word on a past day, rounded to whole units."""
    airline: Mapped[str | None]
    airline_name: Mapped[str | None]
    stops: Mapped[int | None] = mapped_column(SmallInteger)
    departs_at: Mapped[datetime | None]
    departs_offset: Mapped[int | None] = mapped_column(SmallInteger)
    """Minutes east of UTC, as below."""
    arrives_at: Mapped[datetime | None]
    arrives_offset: Mapped[int | None] = mapped_column(SmallInteger)
    duration_minutes: Mapped[int | None] = mapped_column(Integer)
    reference: Mapped[str | None]
    """What the provider, or who pushed it, calls the offer."""
    run_id: Mapped[UUID | None]


class FlightDay(Base):
    """The lowest that a search cost on a day (UTC): what medians and weekdays are made of."""

    __tablename__ = "flight_days"

    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date(), primary_key=True)
    price: Mapped[int]


class PriceAlert(Base):
    """What a person was told of a watch, and why."""

    __tablename__ = "price_alerts"
    __table_args__ = (
        UniqueConstraint("watch_id", "rule", "snapshot_id", "episode"),
        Index("ix_price_alerts_watch_id_created_at", "watch_id", "created_at"),
        Index("ix_price_alerts_event_key", "event_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    watch_id: Mapped[UUID] = mapped_column(ForeignKey(PriceWatch.id, ondelete="CASCADE"))
    rule: Mapped[str]
    snapshot_id: Mapped[UUID]
    episode: Mapped[int] = mapped_column(Integer)
    """Rises when the price has been above the target again, and with each reminder."""
    price: Mapped[int]
    currency: Mapped[str]
    target_price: Mapped[int]
    previous_price: Mapped[int | None]
    lowest_price: Mapped[int | None]
    """Known of the search, this one included."""
    median_price: Mapped[int | None]
    typical_low: Mapped[int | None]
    typical_high: Mapped[int | None]
    departs_on: Mapped[date] = mapped_column(Date())
    returns_on: Mapped[date | None] = mapped_column(Date())
    event_key: Mapped[str]
    """Of the event that told it: alerts of one moment are told in one message."""
    event_id: Mapped[UUID | None]
    """Of that event, once it was relayed: what became of its deliveries hangs on it."""
    unreachable: Mapped[bool] = mapped_column(server_default=text("false"))
    """Nobody could be told when it was relayed: no channel of theirs was open."""
    created_at: Mapped[datetime]
