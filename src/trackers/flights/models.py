"""Tables of trips, price watches, the searches that watches share, prices and alerts."""

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
    """A journey that a person plans; private to that person."""

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
    """End of the day of departure at the origin."""
    ended_at: Mapped[datetime | None]
    """Time at which its watches were stopped because the trip had departed."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class FlightQuery(Base):
    """A search at a provider. All watches with the same search share it; a search of `manual` belongs to one trip.

    It also has the latest result, so that a watch can be evaluated without reading the history.
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
    """NULL if the search is not fetched."""
    trip_id: Mapped[UUID | None] = mapped_column(ForeignKey(Trip.id, ondelete="CASCADE"))
    """The trip that owns the search, if its prices are entered."""
    provider: Mapped[str]
    origin: Mapped[str]
    destination: Mapped[str]
    departs_on: Mapped[date] = mapped_column(Date())
    returns_on: Mapped[date | None] = mapped_column(Date())
    travellers: Mapped[int] = mapped_column(SmallInteger)
    cabin_class: Mapped[str]
    currency: Mapped[str]
    ends_at: Mapped[datetime]
    """End of the day of departure at the origin; the search is not fetched afterwards."""
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    checked_at: Mapped[datetime | None]
    """Time of the last answer."""
    captured_at: Mapped[datetime | None]
    """Time at which the offers of the last answer were first seen."""
    snapshot_id: Mapped[UUID | None]
    """Snapshot of the offer with this price."""
    price: Mapped[int | None]
    """The last trusted price."""
    digest: Mapped[bytes | None]
    """Hash of the offers of the last answer; equal offers are not stored again, only their `seen_at` changes."""
    offers: Mapped[int | None] = mapped_column(Integer)
    """Number of offers in the last answer; 0: no flights."""
    suspect: Mapped[int | None]
    """A price far below the usual one that a second fetch must confirm."""
    level: Mapped[int | None] = mapped_column(SmallInteger)
    typical_low: Mapped[int | None]
    typical_high: Mapped[int | None]
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Failures in a row, of any kind."""
    failing_since: Mapped[datetime | None]


class TripQuery(Base):
    """A search that belongs to a trip, watched or not; the prices of the trip are those of its searches."""

    __tablename__ = "flight_trip_queries"
    __table_args__ = (Index("ix_flight_trip_queries_query_id", "query_id"),)

    trip_id: Mapped[UUID] = mapped_column(ForeignKey(Trip.id, ondelete="CASCADE"), primary_key=True)
    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"), primary_key=True)


class PriceWatch(Base):
    """A person's wish to be notified of the price of a trip."""

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
    """Alerts before this time do not count: the watch was changed since, or activated again."""
    state: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    """Prices and alerts of the current episode (`alerts.WatchState`)."""
    evaluate_at: Mapped[datetime | None]
    """Time of an evaluation without a new price, for example when the cooldown ends."""
    last_alerted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WatchQuery(Base):
    """A search that a watch uses: the one of its date, or of a day around it."""

    __tablename__ = "price_watch_queries"
    __table_args__ = (Index("ix_price_watch_queries_query_id", "query_id"),)

    watch_id: Mapped[UUID] = mapped_column(ForeignKey(PriceWatch.id, ondelete="CASCADE"), primary_key=True)
    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"), primary_key=True)
    told_failing: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the owner was notified that the search fails; set for all of a person's active watches of the search."""


class PriceSnapshot(Base):
    """An offer as it was seen. Only `seen_at` changes later.

    Cabin, travellers and provider are those of its search. All offers of one answer have the same `captured_at`.
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
    """Time at which the same offer was last seen."""
    price: Mapped[int | None]
    """Minor units; NULL if the offer has no price."""
    currency: Mapped[str]
    cheapest: Mapped[bool]
    suspect: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the price is far below the usual one; a price that confirms it is stored as another snapshot."""
    origin: Mapped[str]
    """fetched, manual (entered or pushed), or history: the site's price of a past day, rounded to whole units."""
    airline: Mapped[str | None]
    airline_name: Mapped[str | None]
    stops: Mapped[int | None] = mapped_column(SmallInteger)
    departs_at: Mapped[datetime | None]
    departs_offset: Mapped[int | None] = mapped_column(SmallInteger)
    """Minutes east of UTC, as in `arrives_offset`."""
    arrives_at: Mapped[datetime | None]
    arrives_offset: Mapped[int | None] = mapped_column(SmallInteger)
    duration_minutes: Mapped[int | None] = mapped_column(Integer)
    reference: Mapped[str | None]
    """Name of the offer at the provider, or in the feed that pushed it."""
    run_id: Mapped[UUID | None]


class FlightDay(Base):
    """Lowest price of a search on a day (UTC); medians and weekday prices are computed from it."""

    __tablename__ = "flight_days"

    query_id: Mapped[UUID] = mapped_column(ForeignKey(FlightQuery.id, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date(), primary_key=True)
    price: Mapped[int]


class PriceAlert(Base):
    """An alert of a watch, with its rule and the prices of that moment."""

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
    """Increases when the price has been above the target again, and with each reminder."""
    price: Mapped[int]
    currency: Mapped[str]
    target_price: Mapped[int]
    previous_price: Mapped[int | None]
    lowest_price: Mapped[int | None]
    """Lowest known price of the search, including this one."""
    median_price: Mapped[int | None]
    typical_low: Mapped[int | None]
    typical_high: Mapped[int | None]
    departs_on: Mapped[date] = mapped_column(Date())
    returns_on: Mapped[date | None] = mapped_column(Date())
    event_key: Mapped[str]
    """Key of its event; alerts of the same moment share an event and a message."""
    event_id: Mapped[UUID | None]
    """Id of that event once it is relayed; its deliveries refer to this id."""
    unreachable: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if no channel of the owner was open when the event was relayed."""
    created_at: Mapped[datetime]
