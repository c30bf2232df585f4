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
            description="Scheme and host of the site to fetch profiles from. Empty: the source is off; trackers can be "
            "registered and wait. The site's terms do not permit scraping: turning it on is the operator's decision.",
        ),
    ] = None
    api_key: Annotated[Secret | None, Meta(description="Sent as TRN-Api-Key, if the operator has a key.")] = None
    delay: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two requests; 0 turns pacing off.")] = 2.0
    jitter: Annotated[
        float, Meta(ge=0, le=3600, description="Seconds by which the delay varies at most, either way.")
    ] = 0.5
    interval: Annotated[float, Meta(ge=60, le=31_536_000, description="Seconds between two fetches of a tracker.")] = (
        86_400.0
    )
    first_seasons: Annotated[
        int,
        Meta(ge=0, le=20, description="Number of past seasons that the first fetch of a tracker also brings."),
    ] = 3
    refresh_cooldown: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds after a fetch before somebody may request another; staff may always.",
        ),
    ] = 600.0
    schedule_grace: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds by which scheduled processing may start late, after a time without a worker. Later "
            "times are missed.",
        ),
    ] = 21_600.0
    snapshots_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep snapshots after they were stored; the last of each account and season "
            "always stays. 0: without end.",
        ),
    ] = 0
    manual_snapshots_per_day: Annotated[
        int, Meta(ge=1, le=1000, description="Manual snapshots of a tracker in 24 hours at most.")
    ] = 20
    timeout: Annotated[float, Meta(gt=0, le=45, description="Timeout of an answer in seconds.")] = 15.0
    concurrency: Annotated[int, Meta(ge=1, le=200, description="Concurrent requests of a worker.")] = 50

    def __post_init__(self) -> None:
        if self.base_url is not None:  # people copy it with a slash, but paths begin with their own
            msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))
