"""Settings of the hiscores."""

from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, SCHEME_AND_HOST, SettingsStruct

SHORTEST: Final = 900
MAX_INTERVAL_S: Final = 2_592_000


class HiscoresSettings(SettingsStruct, frozen=True, kw_only=True):
    """Old School RuneScape hiscores."""

    env_prefix: ClassVar[str] = "TRACKERS_HISCORES_"

    enabled: Annotated[bool, Meta(description="Off: the site is not asked; players can be added and wait.")] = True
    base_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": "scheme and host, such as https://secure.runescape.com"},
            description="Scheme and host of the hiscores.",
        ),
    ] = "https://secure.runescape.com"
    delay: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two requests; 0 turns pacing off.")] = 1.0
    jitter: Annotated[float, Meta(ge=0, le=3600, description="Maximum random change of the delay, in seconds.")] = 0.2
    interval: Annotated[
        float,
        Meta(
            ge=SHORTEST,
            le=MAX_INTERVAL_S,
            description="Seconds between two fetches of a player without an interval of its own.",
        ),
    ] = 21_600.0
    slowest: Annotated[
        float,
        Meta(
            ge=1,
            le=100,
            description="Intervals between two fetches of a player that never plays; 1: as often as any player.",
        ),
    ] = 8.0
    fall_lasts: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds for which a decrease must last before it counts as a rollback, or as another account "
            "under the name.",
        ),
    ] = 21_600.0
    fetch_cooldown: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds after a fetch before people may request another; admins may at any time.",
        ),
    ] = 60.0
    add_patience: Annotated[
        float,
        Meta(gt=0, le=60, description="Maximum seconds that adding a player waits for the hiscores."),
    ] = 20.0
    follow_limit: Annotated[
        int, Meta(ge=1, le=10_000, description="Maximum number of players that a person may follow.")
    ] = 200
    add_limit: Annotated[
        int, Meta(ge=1, le=10_000, description="Maximum number of players that a person may have added.")
    ] = 100
    records_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep records of players. The state at that age, and the records from the last full "
            "record up to it, always stay. 0: no limit.",
        ),
    ] = 0
    timeout: Annotated[float, Meta(gt=0, le=45, description="Maximum seconds for one answer.")] = 15.0
    concurrency: Annotated[int, Meta(ge=1, le=200, description="Maximum concurrent requests of a worker.")] = 20

    def __post_init__(self) -> None:
        # People copy URLs with a slash at the end; paths begin with a slash already.
        msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))
