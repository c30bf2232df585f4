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
        bool, Meta(description="Whether fencers' pages are asked for; off, clubs' pages alone are looked at.")
    ] = True
    scrape_delay: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds between two requests, over all workers; 0 asks for no fencer's page at all (clubs' "
            "pages then leave at the default pace).",
            extra={"env": "FENCER_SCRAPE_DELAY_SEC"},
        ),
    ] = 5.0
    scrape_jitter: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds by which that is moved either way at most.",
            extra={"env": "FENCER_SCRAPE_JITTER_SEC"},
        ),
    ] = 2.0
    max_failures: Annotated[
        int, Meta(ge=1, le=100, description="Failures in a row after which a page, or the whole site, rests.")
    ] = 3
    failure_cooldown: Annotated[
        float,
        Meta(
            gt=0,
            le=1440,
            description="Minutes of the first such rest; it doubles up to a day.",
            extra={"env": "FENCER_FAILURE_COOLDOWN_MIN"},
        ),
    ] = 60.0
    scrape_interval: Annotated[
        float,
        Meta(
            ge=1,
            le=43_200,
            description="Minutes between two looks at a fencer.",
            extra={"env": "FENCER_SCRAPE_INTERVAL_MIN"},
        ),
    ] = 720.0
    club_interval: Annotated[
        float,
        Meta(
            ge=1,
            le=43_200,
            description="Minutes between two looks at a club.",
            extra={"env": "CLUB_SCRAPE_INTERVAL_MIN"},
        ),
    ] = 360.0
    max_age: Annotated[
        float,
        Meta(
            ge=1,
            le=8_760,
            description="Hours after which a page is read anew though it is the same as last time.",
            extra={"env": "FENCER_MAX_AGE_HOURS"},
        ),
    ] = 72.0
    changes_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that is kept how registrations changed, for digests and histories; the registrations "
            "themselves stay. 0: for ever.",
            extra={"env": "FENCER_CHANGES_KEEP_DAYS"},
        ),
    ] = 400
    timeout: Annotated[
        float,
        Meta(gt=0, le=45, description="Seconds that one page may take.", extra={"env": "FENCER_TIMEOUT_SEC"}),
    ] = 20.0
    base_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": "scheme and host, such as https://fencingtracker.com"},
            description="Scheme and host that pages are fetched from.",
        ),
    ] = SITE

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))

    @property
    def asks_for_fencers(self) -> bool:
        """Whether the emergency switch is not thrown."""
        return self.scrape_enabled and self.scrape_delay > 0
