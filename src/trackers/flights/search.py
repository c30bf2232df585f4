"""Searches and their results: the types that providers share with the rest of the module."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct

MAX_TRAVELLERS: Final = 9
SEPARATOR: Final = ":"
ANY: Final = "any"


class Cabin(StrEnum):
    """Cabin class."""

    ECONOMY = "economy"
    PREMIUM_ECONOMY = "premium_economy"
    BUSINESS = "business"
    FIRST = "first"


class Travellers(Struct, frozen=True, kw_only=True):
    """Travellers: at most nine; each infant on a lap needs its own adult."""

    adults: int = 1
    children: int = 0
    infants_in_seat: int = 0
    infants_on_lap: int = 0

    @property
    def count(self) -> int:
        return self.adults + self.children + self.infants_in_seat + self.infants_on_lap


class ScrapeQuery(Struct, frozen=True, kw_only=True):
    """A search; equal searches share one answer. `returns_on` None: one way. `max_stops` None: any number."""

    provider: str
    origin: str
    destination: str
    departs_on: date
    currency: str
    returns_on: date | None = None
    travellers: Travellers = Travellers()
    cabin: Cabin = Cabin.ECONOMY
    max_stops: int | None = None

    @property
    def key(self) -> str:
        """The canonical text of the search; also the key and address of its target in the engine.

        Example: `google_flights:JFK:LAX:2026-06-28:one-way:1.0.0.0:economy:any:USD`.
        """
        people = self.travellers
        return SEPARATOR.join(
            (
                self.provider,
                self.origin,
                self.destination,
                self.departs_on.isoformat(),
                self.returns_on.isoformat() if self.returns_on else "one-way",
                f"{people.adults}.{people.children}.{people.infants_in_seat}.{people.infants_on_lap}",
                self.cabin,
                ANY if self.max_stops is None else str(self.max_stops),
                self.currency,
            )
        )

    @classmethod
    def read(cls, key: str) -> Self:
        """Parse a key. Raises ValueError if the text is not a key."""
        provider, origin, destination, departs, returns, people, cabin, stops, currency = key.split(SEPARATOR)
        adults, children, seated, lap = map(int, people.split("."))
        return cls(
            provider=provider,
            origin=origin,
            destination=destination,
            departs_on=date.fromisoformat(departs),
            returns_on=None if returns == "one-way" else date.fromisoformat(returns),
            travellers=Travellers(adults=adults, children=children, infants_in_seat=seated, infants_on_lap=lap),
            cabin=Cabin(cabin),
            max_stops=None if stops == ANY else int(stops),
            currency=currency,
        )


class PriceResult(Struct, frozen=True, kw_only=True):
    """An offer. For a round trip: the outbound flight, with the lowest total price including a return flight."""

    price: int | None
    """Minor units, exact; None if the site shows the flight without a price."""
    currency: str
    airline: str
    """Code of the airline, or `multi`."""
    airline_name: str
    stops: int
    duration_minutes: int | None
    flights: str = ""
    """The site's name of the offer, such as `TK1354|TK758`."""
    departs_at: datetime | None = None
    """With the UTC offset of the airport, as is the arrival; None if the site gives no offset."""
    arrives_at: datetime | None = None

    @property
    def rank(self) -> tuple[bool, int, str, str]:
        """Sort key: the cheapest first, offers without a price last; independent of the site's order."""
        return self.price is None, self.price or 0, self.flights, self.airline


class DailyPrice(Struct, frozen=True, kw_only=True):
    """The site's price of a search on a past day: in minor units, rounded to whole units."""

    day: date
    price: int


class Insights(Struct, frozen=True, kw_only=True):
    """The site's rating of the price. `level`: 1 (low), 3 (typical) to 5 (high). Bounds in minor units."""

    level: int | None = None
    typical_low: int | None = None
    typical_high: int | None = None
    history: tuple[DailyPrice, ...] = ()


class SearchResult(Struct, frozen=True, kw_only=True):
    """Answer of a provider. An answer without offers is valid: there are no flights."""

    offers: tuple[PriceResult, ...]
    """The cheapest offers, up to the requested number."""
    count: int
    """Number of all offers."""
    insights: Insights = Insights()

    @property
    def cheapest(self) -> PriceResult | None:
        """The cheapest offer that has a price, or None."""
        priced = (offer for offer in self.offers if offer.price is not None)
        return min(priced, key=lambda offer: offer.rank, default=None)
