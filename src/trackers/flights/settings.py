"""Settings of flight prices."""

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
            description="Fetch prices from Google Flights. Google offers no API and restricts automated access: the "
            "decision is the operator's. Prices that are entered or pushed always work."
        ),
    ] = False
    google_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": f"scheme and host, such as {GOOGLE}"},
            description="Scheme and host of the site from which result pages are fetched.",
        ),
    ] = GOOGLE
    google_proxy: Annotated[
        Secret | None,
        Meta(description="HTTP proxy for these requests, such as http://user:password@proxy:3128."),
    ] = None
    delay: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two requests; 0 turns pacing off.")] = 10.0
    jitter: Annotated[float, Meta(ge=0, le=3600, description="Maximum random change of that delay, in seconds.")] = 2.0
    timeout: Annotated[float, Meta(gt=0, le=45, description="Maximum seconds for one answer.")] = 20.0
    batch_size: Annotated[int, Meta(ge=1, le=1000, description="Maximum due searches that one tick dispatches.")] = 50
    offers_kept: Annotated[int, Meta(ge=1, le=50, description="Offers stored per fetch, the cheapest first.")] = 5
    tell_after: Annotated[
        int,
        Meta(ge=1, le=100, description="Failures in a row after which members are notified that prices are missing."),
    ] = 3
    rearm_percent: Annotated[
        float,
        Meta(
            ge=0,
            le=50,
            description="Per cent above the target that a price must reach before a fall to the target alerts again.",
        ),
    ] = 1.0
    outlier_percent: Annotated[
        float,
        Meta(ge=1, le=99, description="Per cent below the usual price from which a second fetch must confirm a price."),
    ] = 60.0
    agree_percent: Annotated[
        float,
        Meta(
            ge=0,
            le=50,
            description="Per cent by which a second fetch may differ from a doubted price and still confirm it.",
        ),
    ] = 10.0
    scrape_cooldown: Annotated[
        float, Meta(ge=0, le=2_592_000, description="Seconds after a fetch before a person may request another.")
    ] = 60.0
    prices_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days after departure to keep every price. Prices of alerts and the lowest price of each day "
            "are always kept. 0: keep all.",
        ),
    ] = 0
    trips_per_person: Annotated[int, Meta(ge=1, le=10_000, description="Maximum trips per person.")] = 200
    watches_per_person: Annotated[int, Meta(ge=1, le=10_000, description="Maximum watches per person.")] = 100
    prices_per_trip: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Maximum prices that may be entered or pushed for one trip.")
    ] = 20_000

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "google_url", self.google_url.removesuffix("/"))
