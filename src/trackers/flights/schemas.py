"""Requests and responses about trips, watches and prices. Prices are integers in minor units."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.scraping.targets import FetchStatus
from trackers.flights.alerts import Rule
from trackers.flights.money import LARGEST_AMOUNT
from trackers.flights.search import MAX_TRAVELLERS, Cabin

WORDS: Final = r"^[^\x00]*$(?!\n)"
"""Any text without null characters, which the database does not accept."""
Code = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{3}$(?!\n)", description="IATA code of an airport or city.", examples=["JFK"])
]
CurrencyCode = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{3}$(?!\n)", description="Currency code (ISO 4217).", examples=["USD"])
]
Price = Annotated[
    int,
    Meta(
        ge=1,
        le=LARGEST_AMOUNT,
        description="In minor units of the currency: 28840 is 288.40 USD, 15000 is 15000 JPY.",
        examples=[28840],
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00\r\n]*\S[^\x00\r\n]*$(?!\n)")]
Notes = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
People = Annotated[int, Meta(ge=0, le=MAX_TRAVELLERS)]
Stops = Annotated[int, Meta(ge=0, le=3, description="Maximum number of stops; any number if left out.")]
ProviderName = Annotated[str, Meta(min_length=1, max_length=50, pattern=WORDS, description="google_flights or manual.")]
Interval = Annotated[int, Meta(ge=30, le=1440, description="Minutes between two fetches.")]
Cooldown = Annotated[int, Meta(ge=1, le=72, description="Hours without further alerts after an alert.")]
FlexibleDays = Annotated[
    int, Meta(ge=0, le=3, description="Also watch this many days before and after, each with its own search.")
]
Step = Annotated[
    int, Meta(ge=0, le=50, description="Per cent by which a new low must be below the last alerted price.")
]
BelowMedian = Annotated[
    int, Meta(ge=1, le=90, description="Also alert when the price is this many per cent below the usual price.")
]
MedianDays = Annotated[int, Meta(ge=7, le=180, description="Number of days whose median is the usual price.")]


class CreateTrip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A journey; one way without `returns_on`."""

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
    """Omitted fields keep their values. Other dates, places or travellers reset every watch of the trip."""

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
    """True if the day of departure is over at the origin; the trip's watches are stopped then."""
    watches: int
    created_at: datetime
    updated_at: datetime


class TripPage(Struct, frozen=True, kw_only=True):
    items: list[TripView]
    page: int
    per_page: int
    total: int


class CreateWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watch that alerts you when the price of a trip is at or below a target."""

    trip_id: UUID
    target_price: Price
    provider: ProviderName = "google_flights"
    currency: CurrencyCode = "USD"
    cabin_class: Cabin = Cabin.ECONOMY
    check_interval_minutes: Interval = 360
    alert_cooldown_hours: Cooldown = 6
    flexible_days: FlexibleDays = 0
    remind: Annotated[
        bool, Meta(description="Alert again after each cooldown while the price stays at or below the target.")
    ] = False
    step_percent: Step = 1
    below_median_percent: BelowMedian | None = None
    median_days: MedianDays = 30
    lowest_ever: Annotated[bool, Meta(description="Also alert when the price is the lowest ever seen.")] = False


class UpdateWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Omitted fields keep their values. Another target, currency, cabin or provider resets the watch."""

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
    """A watch with its prices and fetch status. A watch of `manual` stays `pending`, because nothing is fetched."""

    id: UUID
    user_id: UUID
    trip_id: UUID
    provider: str
    provider_enabled: bool
    """False if the operator of this server has not turned the provider on; nothing is fetched then."""
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
    """Lowest price of its searches at the last fetch; null if no flight had a price."""
    price_level: int | None
    """The site's rating of the price: 1 low, 3 typical, 5 high."""
    typical_low: int | None
    typical_high: int | None
    lowest_price: int | None
    url: str | None
    """Address at which you can open the search."""
    created_at: datetime
    updated_at: datetime


class WatchPage(Struct, frozen=True, kw_only=True):
    items: list[WatchView]
    page: int
    per_page: int
    total: int


class AlertView(Struct, frozen=True, kw_only=True):
    """An alert with its rule and the prices of that moment."""

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
    """Time at which the alert reached the first of your channels; null if it has reached none."""


class AlertList(Struct, frozen=True, kw_only=True):
    """Alerts, the newest first. Pass `next_before` as `before` to get the next page."""

    items: list[AlertView]
    next_before: UUID | None


class ScrapeTrip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The search to fetch; if left out, the searches of the trip's watches, or else an economy seat in USD."""

    provider: ProviderName | None = None
    cabin_class: Cabin | None = None
    currency: CurrencyCode | None = None


class ScrapeStarted(Struct, frozen=True, kw_only=True):
    """The task of the fetch; get its state from `/api/tasks/{task_id}`. Several searches have several tasks."""

    task_id: UUID
    task_ids: list[UUID]


class PushPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price that you read yourself, or that another feed delivers."""

    price: Price
    currency: CurrencyCode = "USD"
    cabin_class: Cabin = Cabin.ECONOMY
    captured_at: Annotated[datetime, Meta(tz=True, description="Time of the price; now if left out.")] | None = None
    airline: Annotated[str, Meta(max_length=100, pattern=WORDS)] | None = None
    stops: Annotated[int, Meta(ge=0, le=20)] | None = None
    departs_at: Annotated[datetime, Meta(tz=True)] | None = None
    arrives_at: Annotated[datetime, Meta(tz=True)] | None = None
    reference: (
        Annotated[
            str,
            Meta(max_length=300, pattern=WORDS, description="The feed's name of the offer: a fare, a booking, a link."),
        ]
        | None
    ) = None


class SeriesFilter(Struct, frozen=True, kw_only=True):
    """Filter of a trip's searches; None does not filter."""

    provider: str | None = None
    currency: str | None = None
    cabin_class: Cabin | None = None
    all_dates: bool = False
    """Include the days around, and the searches of the trip before it was changed."""


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
    """True for the cheapest offer of its fetch."""
    suspect: bool
    """True if the price was far below the usual one and not confirmed at that time."""
    origin: str
    """fetched, manual (entered or pushed), or history: the site's price of a past day, rounded to whole units."""
    airline: str | None
    airline_name: str | None
    stops: int | None
    departs_at: datetime | None
    """With the UTC offset of the airport, as is the arrival."""
    arrives_at: datetime | None
    duration_minutes: int | None
    reference: str | None


class Prices(Struct, frozen=True, kw_only=True):
    """Prices, the oldest first. `total` is the number of all prices; at most `points` per search are returned.

    With `all_offers`, `total` is the number of returned offers.
    """

    items: list[PriceView]
    total: int


class WeekdayPrice(Struct, frozen=True, kw_only=True):
    """Price on a weekday: the median of the days' lowest prices."""

    weekday: int
    """1 is Monday, 7 Sunday (ISO 8601)."""
    median: int
    days: int


class PriceAnalysis(Struct, frozen=True, kw_only=True):
    """Statistics of the prices of a search, by the lowest price of each day (UTC)."""

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
    """Price at the last fetch."""
    level: int | None
    """The site's level: 1 low, 3 typical, 5 high; else by the position between lowest and highest price."""
    typical_low: int | None
    typical_high: int | None
    best_weekday: int | None
    """Weekday with the lowest median price, with two weeks of history or more: 1 is Monday."""
    weekdays: list[WeekdayPrice]


class Analyses(Struct, frozen=True, kw_only=True):
    items: list[PriceAnalysis]
