"""What people send about trips, watches and prices, and what they get to see. Prices are integers in minor units."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.scraping.targets import FetchStatus
from trackers.flights.alerts import Rule
from trackers.flights.money import LARGEST_AMOUNT
from trackers.flights.search import MAX_TRAVELLERS, Cabin

WORDS: Final = r"^[^\x00]*$(?!\n)"
"""Anything but null, which the database does not take."""
Code = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{3}$(?!\n)", description="IATA code of an airport or city.", examples=["JFK"])
]
CurrencyCode = Annotated[str, Meta(pattern=r"^[A-Za-z]{3}$(?!\n)", description="Code of ISO 4217.", examples=["USD"])]
Price = Annotated[
    int,
    Meta(
        ge=1,
        le=LARGEST_AMOUNT,
        description="In minor units of the currency: 28840 are 288.40 USD, 15000 are 15000 JPY.",
        examples=[28840],
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00\r\n]*\S[^\x00\r\n]*$(?!\n)")]
Notes = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
People = Annotated[int, Meta(ge=0, le=MAX_TRAVELLERS)]
Stops = Annotated[int, Meta(ge=0, le=3, description="At most so many; left out: any number.")]
ProviderName = Annotated[str, Meta(min_length=1, max_length=50, pattern=WORDS, description="google_flights or manual.")]
Interval = Annotated[int, Meta(ge=30, le=1440, description="Minutes between two looks.")]
Cooldown = Annotated[int, Meta(ge=1, le=72, description="Hours without news after an alert.")]
FlexibleDays = Annotated[
    int, Meta(ge=0, le=3, description="Also the days so many before and after, each a search of its own.")
]
Step = Annotated[int, Meta(ge=0, le=50, description="Per cent by which a low must be lower to be told after another.")]
BelowMedian = Annotated[int, Meta(ge=1, le=90, description="Also told when so many per cent below the usual price.")]
MedianDays = Annotated[int, Meta(ge=7, le=180, description="Days whose median is the usual price.")]


class CreateTrip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A journey; without `returns_on` one way."""

    origin: Code
    destination: Code
    departs_on: date
    returns_on: date | None = None
    name: Name | None = None
    adults: Annotated[int, Meta(ge=1, le=MAX_TRAVELLERS)] = 1
    children: People = 0
    infants_in_seat: People = 0
    infants_on_lap: People = 0
    max_stops: Stops | None = None
    notes: Notes | None = None


class UpdateTrip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; other dates, places or travellers begin every watch of the trip anew."""

    origin: Code | UnsetType = UNSET
    destination: Code | UnsetType = UNSET
    departs_on: date | UnsetType = UNSET
    returns_on: date | UnsetType | None = UNSET
    name: Name | UnsetType | None = UNSET
    adults: Annotated[int, Meta(ge=1, le=MAX_TRAVELLERS)] | UnsetType = UNSET
    children: People | UnsetType = UNSET
    infants_in_seat: People | UnsetType = UNSET
    infants_on_lap: People | UnsetType = UNSET
    max_stops: Stops | UnsetType | None = UNSET
    notes: Notes | UnsetType | None = UNSET


class TripView(Struct, frozen=True, kw_only=True):
    """A trip."""

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
    departed: bool
    """Whether its day of departure is over at the origin; its watches have stopped then."""
    watches: int
    created_at: datetime
    updated_at: datetime


class TripPage(Struct, frozen=True, kw_only=True):
    items: list[TripView]
    page: int
    per_page: int
    total: int


class CreateWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell me when this trip costs no more than that."""

    trip_id: UUID
    target_price: Price
    provider: ProviderName = "google_flights"
    currency: CurrencyCode = "USD"
    cabin_class: Cabin = Cabin.ECONOMY
    check_interval_minutes: Interval = 360
    alert_cooldown_hours: Cooldown = 6
    flexible_days: FlexibleDays = 0
    remind: Annotated[
        bool, Meta(description="Also told again after each cooldown while the price stays at or below the target.")
    ] = False
    step_percent: Step = 1
    below_median_percent: BelowMedian | None = None
    median_days: MedianDays = 30
    lowest_ever: Annotated[bool, Meta(description="Also told when it is lower than ever seen.")] = False


class UpdateWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; another target, currency, cabin or provider begins the watch anew."""

    target_price: Price | UnsetType = UNSET
    provider: ProviderName | UnsetType = UNSET
    currency: CurrencyCode | UnsetType = UNSET
    cabin_class: Cabin | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    check_interval_minutes: Interval | UnsetType = UNSET
    alert_cooldown_hours: Cooldown | UnsetType = UNSET
    flexible_days: FlexibleDays | UnsetType = UNSET
    remind: bool | UnsetType = UNSET
    step_percent: Step | UnsetType = UNSET
    below_median_percent: BelowMedian | UnsetType | None = UNSET
    median_days: MedianDays | UnsetType = UNSET
    lowest_ever: bool | UnsetType = UNSET


class WatchView(FetchStatus, frozen=True, kw_only=True):
    """A watch, what it knows, and how the looking stands. Of `manual` nothing is fetched: it is `pending` for ever."""

    id: UUID
    user_id: UUID
    trip_id: UUID
    provider: str
    provider_enabled: bool
    """Off: the operator of this server has not turned it on, so nothing is fetched."""
    target_price: int
    currency: str
    cabin_class: str
    is_active: bool
    check_interval_minutes: int
    last_checked_at: datetime | None
    alert_cooldown_hours: int
    last_alerted_at: datetime | None
    flexible_days: int
    remind: bool
    step_percent: int
    below_median_percent: int | None
    median_days: int
    lowest_ever: bool
    price: int | None
    """The cheapest of its searches at the last look; null: no flight had a price."""
    price_level: int | None
    """What the site makes of it: 1 low, 3 typical, 5 high."""
    typical_low: int | None
    typical_high: int | None
    lowest_price: int | None
    url: str | None
    """Where to look at the search."""
    created_at: datetime
    updated_at: datetime


class WatchPage(Struct, frozen=True, kw_only=True):
    items: list[WatchView]
    page: int
    per_page: int
    total: int


class AlertView(Struct, frozen=True, kw_only=True):
    """What was told, why, and what it stood beside."""

    id: UUID
    watch_id: UUID
    rule: Rule
    price: int
    currency: str
    target_price: int
    previous_price: int | None
    lowest_price: int | None
    median_price: int | None
    typical_low: int | None
    typical_high: int | None
    departs_on: date
    returns_on: date | None
    snapshot_id: UUID
    created_at: datetime
    delivered_at: datetime | None
    """When it reached the first of one's channels; null while it has not, or where there is none."""


class AlertList(Struct, frozen=True, kw_only=True):
    """Alerts, the newest first; `next_before` asks for the page after this one."""

    items: list[AlertView]
    next_before: UUID | None


class ScrapeTrip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for; left out: what the trip's watches look for, or else an economy seat in dollars."""

    provider: ProviderName | None = None
    cabin_class: Cabin | None = None
    currency: CurrencyCode | None = None


class ScrapeStarted(Struct, frozen=True, kw_only=True):
    """The task that looks now; ask `/api/tasks/{task_id}` what became of it. Several searches have several tasks."""

    task_id: UUID
    task_ids: list[UUID]


class PushPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price that somebody read, or that another feed brings."""

    price: Price
    currency: CurrencyCode = "USD"
    cabin_class: Cabin = Cabin.ECONOMY
    captured_at: Annotated[datetime, Meta(tz=True, description="When it was so; left out: now.")] | None = None
    airline: Annotated[str, Meta(max_length=100, pattern=WORDS)] | None = None
    stops: Annotated[int, Meta(ge=0, le=20)] | None = None
    departs_at: Annotated[datetime, Meta(tz=True)] | None = None
    arrives_at: Annotated[datetime, Meta(tz=True)] | None = None
    reference: (
        Annotated[
            str, Meta(max_length=300, pattern=WORDS, description="What the feed calls it: a fare, a booking, a link.")
        ]
        | None
    ) = None


class SeriesFilter(Struct, frozen=True, kw_only=True):
    """Which searches of a trip are asked for; None: all of them."""

    provider: str | None = None
    currency: str | None = None
    cabin_class: Cabin | None = None
    all_dates: bool = False
    """Also those of the days around, and of what the trip was before a change."""


class PriceView(Struct, frozen=True, kw_only=True):
    """An offer as it was seen, from `captured_at` until `seen_at`."""

    id: UUID
    provider: str
    departs_on: date
    returns_on: date | None
    cabin_class: str
    travellers: int
    captured_at: datetime
    seen_at: datetime
    price: int | None
    currency: str
    cheapest: bool
    """Of its look."""
    suspect: bool
    """Far below the usual price, and not confirmed then."""
    origin: str
    """fetched, typed (in or pushed), or history: the site's word on a past day, rounded to whole units."""
    airline: str | None
    airline_name: str | None
    stops: int | None
    departs_at: datetime | None
    """With the offset of the place, as is the arrival."""
    arrives_at: datetime | None
    duration_minutes: int | None
    reference: str | None


class Prices(Struct, frozen=True, kw_only=True):
    """Prices, the oldest first; `total` is how many there are, of which `points` a search are given.

    Of every offer (`all_offers`) it is how many are given.
    """

    items: list[PriceView]
    total: int


class WeekdayPrice(Struct, frozen=True, kw_only=True):
    """What it cost on a weekday: the median of the days' lowest prices."""

    weekday: int
    """1 is Monday, 7 Sunday (ISO 8601)."""
    median: int
    days: int


class PriceAnalysis(Struct, frozen=True, kw_only=True):
    """What became of the price of one search, by the lowest of each day (UTC)."""

    provider: str
    departs_on: date
    returns_on: date | None
    cabin_class: str
    currency: str
    days: int
    first_day: date
    last_day: date
    min: int
    median: int
    max: int
    price: int | None
    """At the last look."""
    level: int | None
    """The site's own: 1 low, 3 typical, 5 high; else by where the price lies between the lowest and the highest."""
    typical_low: int | None
    typical_high: int | None
    best_weekday: int | None
    """On which one would have bought cheapest, once two weeks are known: 1 is Monday."""
    weekdays: list[WeekdayPrice]


class Analyses(Struct, frozen=True, kw_only=True):
    items: list[PriceAnalysis]
