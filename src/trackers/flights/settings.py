"""Settings of the flight prices."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, SCHEME_AND_HOST, Secret, SettingsStruct

GOOGLE = "https://www.google.com"


class FlightsSettings(SettingsStruct, frozen=True, kw_only=True):
    """Flight prices (Google Flights)."""

    env_prefix: ClassVar[str] = "TRACKERS_FLIGHTS_"

    enabled: Annotated[
        bool,
        Meta(
            description="Whether Google Flights is asked. Google offers no API and restricts automated access: turning "
            "it on is the operator's decision. Prices that are typed in or pushed always work."
        ),
    ] = False
    google_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": f"scheme and host, such as {GOOGLE}"},
            description="Scheme and host that result pages are fetched from.",
        ),
    ] = GOOGLE
    google_proxy: Annotated[
        Secret | None,
        Meta(description="HTTP proxy that requests to it leave by, such as http://user:password@proxy:3128."),
    ] = None
    delay: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two requests; 0 turns pacing off.")] = 10.0
    jitter: Annotated[float, Meta(ge=0, le=3600, description="Seconds by which that is moved either way at most.")] = (
        2.0
    )
    timeout: Annotated[float, Meta(gt=0, le=45, description="Seconds that one answer may take.")] = 20.0
    batch_size: Annotated[int, Meta(ge=1, le=1000, description="Due queries that one tick hands out at most.")] = 50
    offers_kept: Annotated[int, Meta(ge=1, le=50, description="Offers kept of one look, the cheapest first.")] = 5
    tell_after: Annotated[
        int, Meta(ge=1, le=100, description="Failures in a row after which people are told that a price is unknown.")
    ] = 3
    rearm_percent: Annotated[
        float,
        Meta(
            ge=0,
            le=50,
            description="Per cent above the target that a price must rise to before falling below it is news again.",
        ),
    ] = 1.0
    outlier_percent: Annotated[
        float,
        Meta(ge=1, le=99, description="Per cent below the usual price from which on a second look must confirm it."),
    ] = 60.0
    agree_percent: Annotated[
        float,
        Meta(
            ge=0,
            le=50,
            description="Per cent by which a second look may differ from a doubted price and still confirm it.",
        ),
    ] = 10.0
    scrape_cooldown: Annotated[
        float, Meta(ge=0, le=2_592_000, description="Seconds after a look before somebody may ask for another.")
    ] = 60.0
    prices_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days after a departure that every price of it is kept; what somebody was told of, and the "
            "lowest of each day, always is. 0: for ever.",
        ),
    ] = 0
    trips_per_person: Annotated[int, Meta(ge=1, le=10_000, description="Trips that one person may have.")] = 200
    watches_per_person: Annotated[int, Meta(ge=1, le=10_000, description="Watches that one person may have.")] = 100
    prices_per_trip: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Prices that may be typed in or pushed for one trip.")
    ] = 20_000

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "google_url", self.google_url.removesuffix("/"))
