"""Settings of fencers and clubs."""

from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, SCHEME_AND_HOST, SettingsStruct

SITE: Final = "https://fencingtracker.com"


class FencersSettings(SettingsStruct, frozen=True, kw_only=True):
    """Fencers and clubs (fencingtracker.com)."""

    env_prefix: ClassVar[str] = "FENCER_"

    scrape_enabled: Annotated[
        bool, Meta(description="Fetch fencers' pages. If off, only clubs' pages are fetched.")
    ] = True
    scrape_delay: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds between two requests, over all workers; 0 fetches no fencers' pages at all (clubs' "
            "pages are then fetched at the default pace).",
            extra={"env": "FENCER_SCRAPE_DELAY_SEC"},
        ),
    ] = 5.0
    scrape_jitter: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Maximum random change of that delay, in seconds.",
            extra={"env": "FENCER_SCRAPE_JITTER_SEC"},
        ),
    ] = 2.0
    max_failures: Annotated[
        int, Meta(ge=1, le=100, description="Failures in a row after which a page, or the whole site, is paused.")
    ] = 3
    failure_cooldown: Annotated[
        float,
        Meta(
            gt=0,
            le=1440,
            description="Minutes of the first such pause; it doubles up to a day.",
            extra={"env": "FENCER_FAILURE_COOLDOWN_MIN"},
        ),
    ] = 60.0
    scrape_interval: Annotated[
        float,
        Meta(
            ge=1,
            le=43_200,
            description="Minutes between two fetches of a fencer.",
            extra={"env": "FENCER_SCRAPE_INTERVAL_MIN"},
        ),
    ] = 720.0
    club_interval: Annotated[
        float,
        Meta(
            ge=1,
            le=43_200,
            description="Minutes between two fetches of a club.",
            extra={"env": "CLUB_SCRAPE_INTERVAL_MIN"},
        ),
    ] = 360.0
    max_age: Annotated[
        float,
        Meta(
            ge=1,
            le=8_760,
            description="Hours after which a page is parsed again even if it has not changed.",
            extra={"env": "FENCER_MAX_AGE_HOURS"},
        ),
    ] = 72.0
    changes_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep changes of registrations, for digests and histories; the registrations "
            "themselves stay. 0: keep all.",
            extra={"env": "FENCER_CHANGES_KEEP_DAYS"},
        ),
    ] = 400
    timeout: Annotated[
        float,
        Meta(gt=0, le=45, description="Maximum seconds for one page.", extra={"env": "FENCER_TIMEOUT_SEC"}),
    ] = 20.0
    base_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": "scheme and host, such as https://fencingtracker.com"},
            description="Scheme and host of the site from which pages are fetched.",
        ),
    ] = SITE

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))

    @property
    def asks_for_fencers(self) -> bool:
        """True unless fencers' pages are turned off by one of the two settings."""
        return self.scrape_enabled and self.scrape_delay > 0
