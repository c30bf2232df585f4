"""Errors of requests about trips and watches, and failures to get prices from a provider.

Errors of requests:     TripNotFound 404, WatchNotFound 404, TripLimitReached 400, WatchLimitReached 400,
                        PriceLimitReached 400, TripDeparted 409, NothingToScrape 409, ProviderIsOff 409,
                        RefreshCooldown 429, TooManyFetches 429, and (Invalid, 422): UnknownProvider, UnknownAirport,
                        UnknownCurrency, ImpossibleTrip, ImpossiblePrice, ImpossibleWatch

ScrapeError (a provider's answer has no prices; the engine's ScrapeFailure)
├── Blocked             the site refuses our requests: 403, its "unusual traffic" page
│   └── ConsentAsked    the site asks for consent first; we do not give it
├── NoAnswer            the page says that it failed to load (a failure of the host)
└── PageChanged         the parser does not know this form of the page
    ├── OtherCurrency   prices in another currency than the requested one
    └── OtherQuery      the page answers another search
"""

from uuid import UUID

from shared.errors import BadRequest, Conflict, Invalid, NotFound, TooManyRequests
from shared.scraping.failures import Blocked, HostUnavailable, PageChanged, ScrapeFailure

ScrapeError = ScrapeFailure
"""A provider gave no prices; the subclass is the reason."""


class ConsentAsked(Blocked):
    """The page asks visitors to accept cookies; we neither accept nor bypass it."""


class NoAnswer(HostUnavailable):
    """The page says that its results failed to load, so it is unknown if there are flights."""


class OtherCurrency(PageChanged):
    """The prices are in another currency; prices in different currencies are not compared."""


class OtherQuery(PageChanged):
    """The page shows other dates or places than the requested ones."""


class TripNotFound(NotFound):
    code = "trip_not_found"

    def __init__(self, trip_id: UUID) -> None:
        super().__init__(f"You have no trip {trip_id}.")


class WatchNotFound(NotFound):
    code = "watch_not_found"

    def __init__(self, watch_id: UUID) -> None:
        super().__init__(f"You have no price watch {watch_id}.")


class TripLimitReached(BadRequest):
    code = "trip_limit_reached"
    title = "Too many trips"


class WatchLimitReached(BadRequest):
    code = "watch_limit_reached"
    title = "Too many watches"


class PriceLimitReached(BadRequest):
    code = "price_limit_reached"
    title = "Too many prices"


class TripDeparted(Conflict):
    code = "trip_departed"
    title = "Trip has departed"


class NothingToScrape(Conflict):
    code = "nothing_to_scrape"
    title = "Nothing to scrape"


class ProviderIsOff(Conflict):
    code = "provider_is_off"
    title = "Provider is off"


class RefreshCooldown(TooManyRequests):
    code = "refresh_cooldown"
    title = "Scraped recently"


class TooManyFetches(TooManyRequests):
    code = "too_many_fetches"
    title = "Too many fetches"


class UnknownProvider(Invalid):
    code = "unknown_provider"
    title = "Unknown provider"


class UnknownAirport(Invalid):
    code = "unknown_airport"
    title = "Unknown airport"


class UnknownCurrency(Invalid):
    code = "unknown_currency"
    title = "Unknown currency"


class ImpossibleTrip(Invalid):
    code = "impossible_trip"
    title = "Impossible trip"


class ImpossiblePrice(Invalid):
    code = "impossible_price"
    title = "Impossible price"


class ImpossibleWatch(Invalid):
    code = "impossible_watch"
    title = "Impossible watch"
