"""Rows of trips, watches and searches."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.ids import new_id
from trackers.flights.search import Cabin, ScrapeQuery, Travellers


class TripRow(Struct, frozen=True, kw_only=True):
    """A trip as the services need it."""

    id: UUID
    user_id: UUID
    name: str | None
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    adults: int
    children: int
    infants_in_seat: int
    infants_on_lap: int
    max_stops: int | None
    notes: str | None
    ends_at: datetime

    def search(self, *, provider: str, cabin: Cabin, currency: str) -> ScrapeQuery:
        """Return the search for this trip."""
        return ScrapeQuery(
            provider=provider,
            origin=self.origin,
            destination=self.destination,
            departs_on=self.departs_on,
            returns_on=self.returns_on,
            travellers=Travellers(
                adults=self.adults,
                children=self.children,
                infants_in_seat=self.infants_in_seat,
                infants_on_lap=self.infants_on_lap,
            ),
            cabin=cabin,
            max_stops=self.max_stops,
            currency=currency,
        )


class WatchRow(Struct, frozen=True, kw_only=True):
    """A watch as the services need it."""

    id: UUID
    user_id: UUID
    trip_id: UUID
    provider: str
    target_price: int
    currency: str
    cabin_class: Cabin
    is_active: bool
    check_interval_minutes: int
    alert_cooldown_hours: int
    flexible_days: int
    remind: bool
    step_percent: int
    below_median_percent: int | None
    median_days: int
    lowest_ever: bool


class NewQuery(Struct, frozen=True, kw_only=True):
    """A new search; it has a `target_id` if it is fetched, or the `trip_id` of its only trip if prices are entered."""

    id: UUID
    key: str
    target_id: UUID | None
    trip_id: UUID | None
    provider: str
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    travellers: int
    cabin_class: Cabin
    currency: str
    ends_at: datetime


class Demand(Struct, frozen=True, kw_only=True):
    """Demand for a search. Its interval is the shortest of its active watches; None without active watches."""

    id: UUID
    key: str
    provider: str
    target_id: UUID
    checked_at: datetime | None
    interval_minutes: int | None
    ended: bool
    wanted: bool
    """True if a trip still has the search."""


class RequestedSearch(Struct, frozen=True, kw_only=True):
    target_id: UUID
    last_attempt_at: datetime | None
    awaited: bool


class EndedWatch(Struct, frozen=True, kw_only=True):
    """A watch that stopped because its trip departed."""

    id: UUID
    user_id: UUID
    trip_id: UUID
    currency: str
    trip_name: str | None
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    lowest_price: int | None


def as_json(rows: Sequence[Any]) -> str:
    """Encode rows for `jsonb_to_recordset`."""
    return msgspec.json.encode(rows).decode()


def new_query(query: ScrapeQuery, *, target_id: UUID | None, trip_id: UUID | None, ends_at: datetime) -> NewQuery:
    """Return the row of a new search."""
    return NewQuery(
        id=new_id(),
        key=query.key if trip_id is None else own_key(query, trip_id),
        target_id=target_id,
        trip_id=trip_id,
        provider=query.provider,
        origin=query.origin,
        destination=query.destination,
        departs_on=query.departs_on,
        returns_on=query.returns_on,
        travellers=query.travellers.count,
        cabin_class=query.cabin,
        currency=query.currency,
        ends_at=ends_at,
    )


def own_key(query: ScrapeQuery, trip_id: UUID) -> str:
    """Return the key of a search that belongs to one trip, because entered prices are private."""
    return f"{query.key}@{trip_id}"
