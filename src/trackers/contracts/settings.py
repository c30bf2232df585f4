"""Settings of the public contracts."""

from datetime import datetime, time, timedelta
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, SCHEME_AND_HOST, CommaSeparated, SettingsStruct

SOURCE: Final = "contracts"
"""The source that regions are targets of."""
MAX_ID: Final = 2**31 - 1
OFFICIAL: Final = "https://esi.evetech.net"
"""Asks who automates for a contact in the User-Agent."""
HUBS: Final = ("10000002", "10000043", "10000030", "10000032", "10000042")


class Ids(CommaSeparated):
    """Numbers of things in the game, with commas between them."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        if not part.isascii() or not part.isdigit() or not 0 < int(part) <= MAX_ID:
            raise ValueError(f"expected numbers such as 10000002, with commas between them; {part[:30]!r} is none")
        return str(int(part))

    @property
    def numbers(self) -> list[int]:
        return list(dict.fromkeys(int(part) for part in self))


class ContractsSettings(SettingsStruct, frozen=True, kw_only=True):
    """Public contracts (EVE Online)."""

    env_prefix: ClassVar[str] = "TRACKERS_CONTRACTS_"

    enabled: Annotated[
        bool,
        Meta(
            description="Whether contracts are looked at. The API permits it to who names a contact: TRACKERS_CONTACT."
        ),
    ] = True
    base_url: Annotated[
        str,
        Meta(
            pattern=SCHEME_AND_HOST,
            extra={"expected": "scheme and host, such as https://esi.evetech.net"},
            description="Scheme and host of the API.",
        ),
    ] = OFFICIAL
    region_ids: Annotated[
        Ids,
        Meta(description="Regions to look at, with commas between them. The five are those of the great markets."),
    ] = Ids(HUBS)
    ship_group_ids: Annotated[
        Ids,
        Meta(description="Groups of types that count as ships. Empty: what the game itself calls so (category 6)."),
    ] = Ids()
    compatibility_date: Annotated[
        str,
        Meta(
            pattern=r"^\d{4}-\d\d-\d\d$",
            extra={"expected": "a date such as 2026-08-01"},
            description="The state of the API that we were written for; sent with every request.",
        ),
    ] = "2026-08-01"
    delay: Annotated[float, Meta(ge=0, le=60, description="Seconds between two requests; 0 turns pacing off.")] = 0.05
    timeout: Annotated[float, Meta(gt=0, le=45, description="Seconds that one answer may take.")] = 20.0
    concurrency: Annotated[int, Meta(ge=1, le=50, description="Requests under way at once from one worker.")] = 15
    max_fetch_seconds: Annotated[
        float, Meta(ge=10, le=1800, description="Seconds that a visit to a region may take; what is left comes next.")
    ] = 600.0
    slack: Annotated[
        float, Meta(ge=0, le=600, description="Seconds after an answer's expiry before the next sweep begins.")
    ] = 5.0
    shortest_cache: Annotated[
        float, Meta(ge=0, le=86_400, description="Seconds between two sweeps at least, whatever the API says.")
    ] = 60.0
    downtime: Annotated[
        str,
        Meta(
            pattern=r"^(none|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$",
            extra={"expected": "two times of one day such as 10:55-11:20, or none"},
            description="When the game restarts every day (UTC): nothing is asked then. none: never.",
        ),
    ] = "10:55-11:20"
    error_floor: Annotated[
        int, Meta(ge=0, le=99, description="Errors left in the API's budget (100 a minute) at which we pause.")
    ] = 20
    listings_batch: Annotated[
        int, Meta(ge=100, le=50_000, description="Contracts that are written in one transaction of a sweep.")
    ] = 5_000
    items_batch: Annotated[
        int, Meta(ge=1, le=2_000, description="Contracts whose items are written in one transaction.")
    ] = 500
    items_limit: Annotated[
        int, Meta(ge=1, le=100_000, description="Contracts whose items one visit to a region reads at most.")
    ] = 2_000
    bids_limit: Annotated[
        int, Meta(ge=0, le=10_000, description="Auctions whose bids one visit to a region reads at most.")
    ] = 500
    bids_interval: Annotated[
        float, Meta(ge=300, le=86_400, description="Seconds between two looks at an auction's bids.")
    ] = 1800.0
    types_keep_days: Annotated[
        float, Meta(gt=0, le=3650, description="Days after which what is known of a type is looked at again.")
    ] = 30.0
    types_limit: Annotated[
        int, Meta(ge=0, le=10_000, description="Types that are looked at again in one run at most.")
    ] = 50
    lock_lifetime: Annotated[
        float, Meta(ge=1, le=300, description="Seconds for which a run is believed alive after its last heartbeat.")
    ] = 15.0
    ended_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that contracts are kept after their end; statistics go back so far. 0: for ever.",
        ),
    ] = 180
    runs_keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days that the records of runs are kept. 0: for ever.")
    ] = 90
    rejects_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that is kept what could not be stored, after it was last sent. 0: for ever.",
        ),
    ] = 30

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))

    def pause_at(self, now: datetime) -> timedelta | None:
        """How long the game's daily restart still lasts; None where it is up."""
        if self.downtime == "none":
            return None
        begins, ends = (time.fromisoformat(text) for text in self.downtime.split("-"))
        moment = now.time().replace(tzinfo=None)
        over_midnight = ends < begins
        if (moment >= begins or moment < ends) if over_midnight else (begins <= moment < ends):
            up = now.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0)
            return (up if up > now else up + timedelta(days=1)) - now
        return None
