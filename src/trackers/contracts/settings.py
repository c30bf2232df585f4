"""Settings of the public contracts."""

from datetime import datetime, time, timedelta
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, SCHEME_AND_HOST, CommaSeparated, SettingsStruct

SOURCE: Final = "contracts"
"""Name of the source; its targets are regions."""
MAX_ID: Final = 2**31 - 1
OFFICIAL: Final = "https://esi.evetech.net"
"""The public API; it requires a contact in the User-Agent of automated clients."""
HUBS: Final = ("10000002", "10000043", "10000030", "10000032", "10000042")


class Ids(CommaSeparated):
    """Comma-separated numbers of regions or groups in the game."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        if not part.isascii() or not part.isdigit() or not 0 < int(part) <= MAX_ID:
            raise ValueError(f"expected comma-separated numbers such as 10000002; {part[:30]!r} is not such a number")
        return str(int(part))

    @property
    def numbers(self) -> list[int]:
        return list(dict.fromkeys(int(part) for part in self))


class ContractsSettings(SettingsStruct, frozen=True, kw_only=True):
    """Public contracts (EVE Online)."""

    env_prefix: ClassVar[str] = "TRACKERS_CONTRACTS_"

    enabled: Annotated[
        bool,
        Meta(description="Fetch contracts. The API requires a contact: set TRACKERS_CONTACT, too."),
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
        Meta(description="Regions to follow, comma-separated. Default: the five regions with the great markets."),
    ] = Ids(HUBS)
    ship_group_ids: Annotated[
        Ids,
        Meta(description="Type groups that count as ships, comma-separated. Empty: the groups of category 6 (ships)."),
    ] = Ids()
    compatibility_date: Annotated[
        str,
        Meta(
            pattern=r"^\d{4}-\d\d-\d\d$",
            extra={"expected": "a date such as 2026-08-01"},
            description="Version of the API that the parser supports; sent with every request.",
        ),
    ] = "2026-08-01"
    delay: Annotated[float, Meta(ge=0, le=60, description="Seconds between two requests; 0 disables pacing.")] = 0.05
    timeout: Annotated[float, Meta(gt=0, le=45, description="Seconds to wait for an answer.")] = 20.0
    concurrency: Annotated[int, Meta(ge=1, le=50, description="Concurrent requests per worker.")] = 15
    max_fetch_seconds: Annotated[
        float, Meta(ge=10, le=1800, description="Longest fetch of a region in seconds; the next one continues.")
    ] = 600.0
    slack: Annotated[
        float, Meta(ge=0, le=600, description="Seconds between the expiry of the pages and the next sweep.")
    ] = 5.0
    shortest_cache: Annotated[
        float,
        Meta(ge=0, le=86_400, description="Least seconds between two sweeps of a region."),
    ] = 60.0
    downtime: Annotated[
        str,
        Meta(
            pattern=r"^(none|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$",
            extra={"expected": "two times of one day such as 10:55-11:20, or none"},
            description="Daily restart of the game (UTC), in which no requests are sent. none: never.",
        ),
    ] = "10:55-11:20"
    error_floor: Annotated[
        int,
        Meta(ge=0, le=99, description="Remaining errors of the API's budget (100 per minute) at which requests pause."),
    ] = 20
    listings_batch: Annotated[int, Meta(ge=100, le=50_000, description="Contracts per transaction of a sweep.")] = 5_000
    items_batch: Annotated[
        int, Meta(ge=1, le=2_000, description="Contracts whose items are written per transaction.")
    ] = 500
    items_limit: Annotated[
        int, Meta(ge=1, le=100_000, description="Most contracts whose items are read per fetch of a region.")
    ] = 2_000
    bids_limit: Annotated[
        int, Meta(ge=0, le=10_000, description="Most auctions whose bids are read per fetch of a region.")
    ] = 500
    bids_interval: Annotated[
        float, Meta(ge=300, le=86_400, description="Seconds until the bids of an auction are fetched again.")
    ] = 1800.0
    types_keep_days: Annotated[float, Meta(gt=0, le=3650, description="Days until a type is fetched again.")] = 30.0
    types_limit: Annotated[int, Meta(ge=0, le=10_000, description="Most types that are fetched again per run.")] = 50
    lock_lifetime: Annotated[
        float, Meta(ge=1, le=300, description="Seconds after its last heartbeat until a run is presumed dead.")
    ] = 15.0
    ended_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep contracts after their end, which limits the statistics, too. 0: without end.",
        ),
    ] = 180
    runs_keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days to keep the records of runs. 0: without end.")
    ] = 90
    rejects_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep rejected rows after the API last sent them. 0: without end.",
        ),
    ] = 30

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", self.base_url.removesuffix("/"))

    def pause_at(self, now: datetime) -> timedelta | None:
        """Time until the game's daily restart is over; None outside of the restart."""
        if self.downtime == "none":
            return None
        begins, ends = (time.fromisoformat(text) for text in self.downtime.split("-"))
        moment = now.time().replace(tzinfo=None)
        over_midnight = ends < begins
        if (moment >= begins or moment < ends) if over_midnight else (begins <= moment < ends):
            up = now.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0)
            return (up if up > now else up + timedelta(days=1)) - now
        return None
