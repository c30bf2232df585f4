"""What can be wrong with a trip, a watch, or what a provider answered.

Asked for by people:    TripNotFound 404, WatchNotFound 404, TripLimitReached 400, WatchLimitReached 400,
                        TripDeparted 409, NothingToScrape 409, ProviderIsOff 409, RefreshCooldown 429, TooManyFetches 429,
                        and (Invalid, 422): UnknownProvider, UnknownAirport, UnknownCurrency, ImpossibleTrip,
                        ImpossiblePrice, ImpossibleWatch

ScrapeError (what a provider's answer was instead of prices; the engine's ScrapeFailure)
├── Blocked             the site refuses us: 403, its "unusual traffic" page
│   └── ConsentAsked    the site wants somebody to agree to something first; we do not
├── NoAnswer            the page says of itself that it failed to load (the host's fault)
└── PageChanged         the page is not what the parser knows
    ├── OtherCurrency   prices in another currency than asked for
    └── OtherQuery      the page answers another search than ours
"""

from uuid import UUID

from shared.errors import BadRequest, Conflict, Invalid, NotFound, TooManyRequests
from shared.scraping.failures import Blocked, HostUnavailable, PageChanged, ScrapeFailure

ScrapeError = ScrapeFailure
"""A provider gave no prices, and why."""


class ConsentAsked(Blocked):
    """The page that asks visitors to agree to cookies; we neither agree nor go round it."""


class NoAnswer(HostUnavailable):
    """The results are missing, and the page says that loading them failed: no word about flights."""


class OtherCurrency(PageChanged):
    """Prices of different currencies are not compared."""


class OtherQuery(PageChanged):
    """The page shows other dates or places than were asked for."""


class TripNotFound(NotFound):
    code = "trip_not_found"

    def __init__(self, trip_id: UUID) -> None:
        super().__init__(f"There is no trip {trip_id} of yours.")


class WatchNotFound(NotFound):
    code = "watch_not_found"

    def __init__(self, watch_id: UUID) -> None:
        super().__init__(f"There is no price watch {watch_id} of yours.")


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
    title = "Departed already"


class NothingToScrape(Conflict):
    code = "nothing_to_scrape"
    title = "Nothing to scrape"


class ProviderIsOff(Conflict):
    code = "provider_is_off"
    title = "Provider is off"


class RefreshCooldown(TooManyRequests):
    code = "refresh_cooldown"
    title = "Scraped lately"


class TooManyFetches(TooManyRequests):
    code = "too_many_fetches"
    title = "Too many looks"


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
    title = "Not a possible trip"


class ImpossiblePrice(Invalid):
    code = "impossible_price"
    title = "Not a possible price"


class ImpossibleWatch(Invalid):
    code = "impossible_watch"
    title = "Not a possible watch"
