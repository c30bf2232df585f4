"""Settings of the game trackers."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, SCHEME_AND_HOST, Secret, SettingsStruct


class GamesSettings(SettingsStruct, frozen=True, kw_only=True):
    """Game trackers (Tracker Network)."""

    env_prefix: ClassVar[str] = "TRACKERS_GAMES_"

    base_url: Annotated[
        Annotated[str, Meta(pattern=SCHEME_AND_HOST)] | None,
        Meta(
            extra={"expected": "scheme and host, such as https://api.example.org"},
            description="Scheme and host that profiles are fetched from. Empty: the source is off; trackers can be "
            "registered and wait. The site's terms do not permit scraping: turning it on is the operator's decision.",
        ),
    ] = None
    api_key: Annotated[Secret | None, Meta(description="Sent as TRN-Api-Key, where the operator was given one.")] = None
    delay: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two requests; 0 turns pacing off.")] = 2.0
    jitter: Annotated[float, Meta(ge=0, le=3600, description="Seconds by which that is moved either way at most.")] = (
        0.5
    )
    interval: Annotated[float, Meta(ge=60, le=31_536_000, description="Seconds between two looks at a tracker.")] = (
        86_400.0
    )
    first_seasons: Annotated[
        int,
        Meta(ge=0, le=20, description="Past seasons that the first look at a tracker brings, too."),
    ] = 3
    refresh_cooldown: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds after a look before somebody may ask for another; staff may always.",
        ),
    ] = 600.0
    schedule_grace: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds by which scheduled processing may begin late, after a time without a worker. What is "
            "later than that was missed.",
        ),
    ] = 21_600.0
    snapshots_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that snapshots are kept after they were stored; the last of each account and season "
            "always is. 0: for ever.",
        ),
    ] = 0
    manual_snapshots_per_day: Annotated[
        int, Meta(ge=1, le=1000, description="Manual snapshots that one tracker takes in 24 hours.")
    ] = 20
    timeout: Annotated[float, Meta(gt=0, le=45, description="Seconds that one answer may take.")] = 15.0
    concurrency: Annotated[int, Meta(ge=1, le=200, description="Requests under way at once from one worker.")] = 50

    def __post_init__(self) -> None:
        if self.base_url is not None:  # as people copy it; paths begin with a slash of their own
            msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))
