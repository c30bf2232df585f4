"""Requests and responses of the contracts API. Money in ISK, volumes in m3."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_WATCHES: Final = 100
"""Largest number of watches per person."""
MAX_REGIONS: Final = 50
Price = Annotated[float, Meta(ge=0, le=1e18, description="ISK.")]
TypeId = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ContractType(StrEnum):
    """Type of a contract."""

    ITEM_EXCHANGE = "item_exchange"
    AUCTION = "auction"
    COURIER = "courier"
    LOAN = "loan"
    UNKNOWN = "unknown"


class ContractStatus(StrEnum):
    """Status of a contract: live; gone (accepted or withdrawn before it expired); expired; unfollowed (unknown: it was
    live when its region was last fetched, but the operator dropped the region since).
    """

    LIVE = "live"
    GONE = "gone"
    EXPIRED = "expired"
    UNFOLLOWED = "unfollowed"


class ContractSort(StrEnum):
    """Sort order of a list, ascending; with a dash descending."""

    ISSUED = "issued"
    ISSUED_DOWN = "-issued"
    EXPIRES = "expires"
    EXPIRES_DOWN = "-expires"
    PRICE = "price"
    PRICE_DOWN = "-price"
    REWARD = "reward"
    REWARD_DOWN = "-reward"
    VOLUME = "volume"
    VOLUME_DOWN = "-volume"


class ContractFilter(Struct, frozen=True, kw_only=True):
    """Criteria for contracts; None means any."""

    status: ContractStatus = ContractStatus.LIVE
    region_id: tuple[int, ...] | None = None
    type: ContractType | None = None
    type_id: int | None = None
    group_id: int | None = None
    ship_type_id: int | None = None
    ship_group_id: int | None = None
    is_ship: bool | None = None
    min_price: float | None = None
    max_price: float | None = None
    title: str | None = None
    blueprint: bool | None = None
    min_runs: int | None = None
    min_me: int | None = None
    min_te: int | None = None
    min_reward: float | None = None
    max_volume: float | None = None
    max_collateral: float | None = None
    issuer_id: int | None = None
    location_id: int | None = None


class Ship(Struct, frozen=True, kw_only=True):
    """The ship that a contract sells; the main one if there are several."""

    type_id: int
    name: str | None
    group_id: int | None
    group: str | None
    quantity: int
    is_blueprint_copy: bool
    runs: int | None
    material_efficiency: int | None
    time_efficiency: int | None
    contains_additional_items: bool


class ContractSummary(Struct, frozen=True, kw_only=True):
    """A contract as shown in lists."""

    contract_id: int
    region_id: int
    type: str
    status: ContractStatus
    title: str
    price: Annotated[float, Meta(description="The price; for an auction, the starting bid.")]
    buyout: float | None
    collateral: float
    reward: float
    volume: float
    days_to_complete: int
    issuer_id: int
    issuer_corporation_id: int
    for_corporation: bool
    start_location_id: int | None
    end_location_id: int | None
    date_issued: datetime
    date_expired: datetime
    first_seen_at: datetime
    ended_at: Annotated[datetime | None, Meta(description="When the end of the contract was noticed.")]
    items_state: Annotated[
        str,
        Meta(description="none (no items), pending (not read yet), read, gone (ended before), failed."),
    ]
    is_ship: bool
    ship: Ship | None
    bids: int
    highest_bid: float | None


class RegionCoverage(Struct, frozen=True, kw_only=True):
    """How fresh and complete the data of a region is."""

    region_id: int
    name: str | None
    followed: Annotated[
        bool, Meta(description="False if this service no longer collects the region; none of its contracts is live.")
    ]
    complete: Annotated[bool, Meta(description="True if the last sweep saw all pages of one state of the region.")]
    why_incomplete: Annotated[str | None, Meta(description="The reason, if the last sweep is not complete.")]
    swept_at: Annotated[
        datetime | None,
        Meta(description="When the last full pass over the region (sweep) ended; null before the first."),
    ]
    complete_at: Annotated[datetime | None, Meta(description="When the last complete sweep ended.")]
    generation: Annotated[datetime | None, Meta(description="Time of the data that it read (Last-Modified).")]
    next_sweep_at: Annotated[
        datetime | None, Meta(description="The next sweep starts after this time, when the API has newer data.")
    ]
    live: int
    items_unread: Annotated[int, Meta(description="Live contracts whose items are not read yet.")]


class ContractList(Struct, frozen=True, kw_only=True):
    """A page of contracts."""

    items: list[ContractSummary]
    page: int
    per_page: int
    total: int
    by_type: Annotated[dict[str, int], Meta(description="Contracts per type, regardless of the filter `type`.")]
    coverage: list[RegionCoverage]


class ContractItemView(Struct, frozen=True, kw_only=True):
    """An item of a contract."""

    record_id: int
    type_id: int
    name: str | None
    group_id: int | None
    quantity: int
    is_included: Annotated[bool, Meta(description="True: offered; false: wanted in exchange.")]
    is_blueprint_copy: bool | None
    runs: int | None
    material_efficiency: int | None
    time_efficiency: int | None


class BidView(Struct, frozen=True, kw_only=True):
    bid_id: int
    amount: float
    date_bid: datetime


class ContractHistoryEntry(Struct, frozen=True, kw_only=True):
    """A change of a contract."""

    at: datetime
    what: Annotated[str, Meta(description="first_seen, changed, gone, expired or returned.")]
    details: dict[str, Any] | None = None


class ContractDetail(Struct, frozen=True, kw_only=True):
    """A contract with its history and up to 2,000 items and 2,000 bids."""

    contract: ContractSummary
    items: list[ContractItemView]
    bids: list[BidView]
    history: list[ContractHistoryEntry]
    coverage: list[RegionCoverage]


class ShipBoardEntry(Struct, frozen=True, kw_only=True):
    """Offers of a type of ship."""

    type_id: int
    name: str | None
    group_id: int | None
    group: str | None
    offers: int
    cheapest: Annotated[float | None, Meta(description="Lowest price per ship, of contracts that sell nothing else.")]
    median: Annotated[float | None, Meta(description="Median price per ship, of contracts that sell nothing else.")]


class ShipBoard(Struct, frozen=True, kw_only=True):
    """Types of ships on offer."""

    items: list[ShipBoardEntry]
    page: int
    per_page: int
    total: int
    coverage: list[RegionCoverage]


class ShipPrices(Struct, frozen=True, kw_only=True):
    """Prices per ship of a type, on offer and sold, of contracts that sell nothing else."""

    type_id: int
    name: str | None
    days: int
    offers: int
    offers_cheapest: float | None
    offers_median: float | None
    sold: Annotated[int, Meta(description="Contracts that ended before they expired: accepted or withdrawn.")]
    sold_p10: float | None
    sold_median: float | None
    coverage: list[RegionCoverage]


class TaxonomyGroup(Struct, frozen=True, kw_only=True):
    group_id: int
    name: str
    types: Annotated[int, Meta(description="Number of types of this group that were seen in contracts.")]


class TaxonomyCategory(Struct, frozen=True, kw_only=True):
    category_id: int
    name: str
    groups: list[TaxonomyGroup]


class Taxonomy(Struct, frozen=True, kw_only=True):
    """Groups of types that were seen in contracts, by category."""

    items: list[TaxonomyCategory]
    coverage: list[RegionCoverage]


class KnownTypeView(Struct, frozen=True, kw_only=True):
    type_id: int
    name: str
    group_id: int | None
    group: str | None
    live: Annotated[int, Meta(description="Live contracts that offer this type, as of the last fetch of each region.")]


class KnownTypes(Struct, frozen=True, kw_only=True):
    """Up to 200 types, by name or group."""

    items: list[KnownTypeView]
    coverage: list[RegionCoverage]


class AddWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new watch, for either a type or a group of types."""

    type_id: TypeId | None = None
    group_id: TypeId | None = None
    region_id: TypeId | None = None
    max_price: Price | None = None
    note: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")] | None = None


class ChangeWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a watch. Omitted fields keep their values."""

    max_price: Price | UnsetType | None = UNSET
    note: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")] | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Watch(Struct, frozen=True, kw_only=True):
    """A watch for a type or a group of types."""

    id: UUID
    type_id: int | None
    group_id: int | None
    name: Annotated[str | None, Meta(description="Name of the type or the group; null if it was not seen yet.")]
    region_id: int | None
    max_price: float | None
    note: str | None
    active: bool
    created_at: datetime
    alerts: Annotated[int, Meta(description="Number of contracts that you were notified of.")]


class Watches(Struct, frozen=True, kw_only=True):
    """Your watches, and the coverage of the regions."""

    items: list[Watch]
    coverage: list[RegionCoverage]


class RunAggregation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Regions to fetch now; all followed regions if none are given."""

    region_ids: Annotated[list[TypeId], Meta(min_length=1, max_length=MAX_REGIONS)] | None = None


class RunRequested(Struct, frozen=True, kw_only=True):
    """Tasks of the requested fetches: region id -> task id. A fresh region is not swept again."""

    tasks: dict[str, UUID]


class RunView(Struct, frozen=True, kw_only=True):
    """An aggregation run with its summary."""

    id: UUID
    fence: int
    started_at: datetime
    finished_at: datetime | None
    outcome: Annotated[
        str | None,
        Meta(
            description="completed, partial (a region failed or is incomplete), failed, stopped, database_away, "
            "lost_lease, died (ended without a result); null: in progress."
        ),
    ]
    error: str | None
    summary: dict[str, Any]


class RunPage(Struct, frozen=True, kw_only=True):
    items: list[RunView]
    page: int
    per_page: int
    total: int
    coverage: list[RegionCoverage]


class RejectedView(Struct, frozen=True, kw_only=True):
    """A row that the API sent and that could not be stored."""

    region_id: int
    contract_id: Annotated[int | None, Meta(description="null if the row has no readable contract id.")]
    part: Annotated[str, Meta(description="`listing` or `items`.")]
    reason: str
    sent: Annotated[str, Meta(description="The beginning of the row.")]
    first_seen_at: datetime
    last_seen_at: datetime
    times: int


class RejectedPage(Struct, frozen=True, kw_only=True):
    items: list[RejectedView]
    page: int
    per_page: int
    total: int
    coverage: list[RegionCoverage]
