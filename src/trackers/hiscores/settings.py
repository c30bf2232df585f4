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

    enabled: Annotated[bool, Meta(description="Off: nothing is asked of the site; players can be added and wait.")] = (
        True
    )
    base_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": "scheme and host, such as https://secure.runescape.com"},
            description="Scheme and host of the hiscores.",
        ),
    ] = "https://secure.runescape.com"
    delay: Annotated[float, Meta(ge=0, le=3600, description="Seconds between two requests; 0 turns pacing off.")] = 1.0
    jitter: Annotated[float, Meta(ge=0, le=3600, description="Seconds by which that is moved either way at most.")] = (
        0.2
    )
    interval: Annotated[
        float,
        Meta(
            ge=SHORTEST,
            le=MAX_INTERVAL_S,
            description="Seconds between two looks at a player who has no interval of their own.",
        ),
    ] = 21_600.0
    slowest: Annotated[
        float,
        Meta(
            ge=1,
            le=100,
            description="Intervals after which a player who never plays is looked at; 1: as often as anybody.",
        ),
    ] = 8.0
    fall_lasts: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds for which a player must show less than before until that is believed: a rollback, or "
            "somebody else under the name.",
        ),
    ] = 21_600.0
    fetch_cooldown: Annotated[
        float,
        Meta(
            ge=0,
            le=2_592_000,
            description="Seconds after a look before somebody may ask for another; staff may always.",
        ),
    ] = 60.0
    add_patience: Annotated[
        float,
        Meta(gt=0, le=60, description="Seconds for which adding a player waits for the hiscores to know them."),
    ] = 20.0
    follow_limit: Annotated[int, Meta(ge=1, le=10_000, description="Players that a person may follow.")] = 200
    add_limit: Annotated[int, Meta(ge=1, le=10_000, description="Players that a person may have added.")] = 100
    records_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that records of players are kept; a player's state at that age, and what led to it from "
            "the last full record, always is. 0: for ever.",
        ),
    ] = 0
    timeout: Annotated[float, Meta(gt=0, le=45, description="Seconds that one answer may take.")] = 15.0
    concurrency: Annotated[int, Meta(ge=1, le=200, description="Requests under way at once from one worker.")] = 20

    def __post_init__(self) -> None:
        # As people copy it; paths begin with a slash of their own.
        msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))
