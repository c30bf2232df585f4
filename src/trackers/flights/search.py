"""What is asked of a provider, and what it answers: the types that providers and the rest share."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct

MAX_TRAVELLERS: Final = 9
SEPARATOR: Final = ":"
ANY: Final = "any"


class Cabin(StrEnum):
    """The class that one sits in."""

    ECONOMY = "economy"
    PREMIUM_ECONOMY = "premium_economy"
    BUSINESS = "business"
    FIRST = "first"


class Travellers(Struct, frozen=True, kw_only=True):
    """Who flies: at most nine, an infant on a lap needs an adult of its own."""

    adults: int = 1
    children: int = 0
    infants_in_seat: int = 0
    infants_on_lap: int = 0

    @property
    def count(self) -> int:
        return self.adults + self.children + self.infants_in_seat + self.infants_on_lap


class ScrapeQuery(Struct, frozen=True, kw_only=True):
    """One search: whoever asks the same shares its answer. `returns_on` None: one way. `max_stops` None: any."""

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
        """Its only spelling, which is also how it is written down for the engine.

        `google_flights:JFK:LAX:2026-06-28:one-way:1.0.0.0:economy:any:USD`.
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
        """The query that a key spells. Raises ValueError for what is none."""
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
    """One offer. Of a round trip it is the outbound flight, its price the total from which on there is a way back."""

    price: int | None
    """Minor units, exact; None: the site shows the flight without a price."""
    currency: str
    airline: str
    """Code, or `multi`."""
    airline_name: str
    stops: int
    duration_minutes: int | None
    flights: str = ""
    """Such as `TK1354|TK758`: the site's own name of the offer."""
    departs_at: datetime | None = None
    """With the offset of the place, as are arrivals; None where the site tells no offset."""
    arrives_at: datetime | None = None

    @property
    def rank(self) -> tuple[bool, int, str, str]:
        """The cheapest first, those without a price last, in an order that does not depend on the site's."""
        return self.price is None, self.price or 0, self.flights, self.airline


class DailyPrice(Struct, frozen=True, kw_only=True):
    """What the site says a search cost on a past day, in minor units of a price rounded to whole ones."""

    day: date
    price: int


class Insights(Struct, frozen=True, kw_only=True):
    """What the site makes of the price. `level` from 1 (low) over 3 (typical) to 5 (high); bounds in minor units."""

    level: int | None = None
    typical_low: int | None = None
    typical_high: int | None = None
    history: tuple[DailyPrice, ...] = ()


class SearchResult(Struct, frozen=True, kw_only=True):
    """A provider's answer: no offers means that it knows of no flight, which is an answer."""

    offers: tuple[PriceResult, ...]
    """The cheapest, as many as were asked for."""
    count: int
    """How many there are."""
    insights: Insights = Insights()

    @property
    def cheapest(self) -> PriceResult | None:
        """The cheapest that has a price."""
        return min((offer for offer in self.offers if offer.price is not None), key=lambda one: one.rank, default=None)
