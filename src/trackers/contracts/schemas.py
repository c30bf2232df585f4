"""What people, bots and admins send about contracts, and what they get to see. Money in ISK, volumes in m3."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_WATCHES: Final = 100
"""Watches that a person may have at once."""
MAX_REGIONS: Final = 50
Price = Annotated[float, Meta(ge=0, le=1e18, description="ISK.")]
TypeId = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ContractType(StrEnum):
    """What kind of contract it is."""

    ITEM_EXCHANGE = "item_exchange"
    AUCTION = "auction"
    COURIER = "courier"
    LOAN = "loan"
    UNKNOWN = "unknown"


class ContractStatus(StrEnum):
    """Whether a contract can still be accepted: live; gone before its time (accepted or withdrawn); expired; unfollowed
    (nobody knows: it was live when its region was looked at last, which the operator dropped since).
    """

    LIVE = "live"
    GONE = "gone"
    EXPIRED = "expired"
    UNFOLLOWED = "unfollowed"


class ContractSort(StrEnum):
    """The order of a list; with a dash the other way round."""

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
    """Which contracts are wanted; what is None does not matter."""

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
    """The ship that a contract sells: the main one where there are several."""

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
    """A contract as lists show it."""

    contract_id: int
    region_id: int
    type: str
    status: ContractStatus
    title: str
    price: Annotated[float, Meta(description="What is to be paid; of an auction where bidding began.")]
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
    ended_at: Annotated[datetime | None, Meta(description="When it was noticed that it is over.")]
    items_state: Annotated[
        str, Meta(description="none (it has none), pending (not read yet), read, gone (it ended before), failed.")
    ]
    is_ship: bool
    ship: Ship | None
    bids: int
    highest_bid: float | None


class RegionCoverage(Struct, frozen=True, kw_only=True):
    """How fresh and how complete what is known of a region is."""

    region_id: int
    name: str | None
    followed: Annotated[
        bool, Meta(description="Whether it is looked at; else the operator dropped it, and nothing of it is live.")
    ]
    complete: Annotated[bool, Meta(description="Whether the last sweep saw every page of one state of the region.")]
    why_incomplete: Annotated[str | None, Meta(description="Why not, in words.")]
    swept_at: Annotated[datetime | None, Meta(description="When the last sweep ended; null: not looked at yet.")]
    complete_at: Annotated[datetime | None, Meta(description="When the last complete one did.")]
    generation: Annotated[datetime | None, Meta(description="Of when the state is that it saw (Last-Modified).")]
    next_sweep_at: Annotated[datetime | None, Meta(description="There is nothing newer before.")]
    live: int
    items_unread: Annotated[int, Meta(description="Live contracts whose items are not known yet.")]


class ContractList(Struct, frozen=True, kw_only=True):
    """A page of contracts."""

    items: list[ContractSummary]
    page: int
    per_page: int
    total: int
    by_type: Annotated[dict[str, int], Meta(description="How many there are of each type, whichever type is wanted.")]
    coverage: list[RegionCoverage]


class ContractItemView(Struct, frozen=True, kw_only=True):
    """An item of a contract."""

    record_id: int
    type_id: int
    name: str | None
    group_id: int | None
    quantity: int
    is_included: Annotated[bool, Meta(description="Given; otherwise asked for in exchange.")]
    is_blueprint_copy: bool | None
    runs: int | None
    material_efficiency: int | None
    time_efficiency: int | None


class BidView(Struct, frozen=True, kw_only=True):
    bid_id: int
    amount: float
    date_bid: datetime


class ContractHistoryEntry(Struct, frozen=True, kw_only=True):
    """Something that happened to a contract."""

    at: datetime
    what: Annotated[str, Meta(description="first_seen, changed, gone, expired, returned.")]
    details: dict[str, Any] | None = None


class ContractDetail(Struct, frozen=True, kw_only=True):
    """A contract with all that is known of it; of items and bids up to 2,000 each."""

    contract: ContractSummary
    items: list[ContractItemView]
    bids: list[BidView]
    history: list[ContractHistoryEntry]
    coverage: list[RegionCoverage]


class ShipBoardEntry(Struct, frozen=True, kw_only=True):
    """A type of ship that is on offer."""

    type_id: int
    name: str | None
    group_id: int | None
    group: str | None
    offers: int
    cheapest: Annotated[float | None, Meta(description="Of one ship, alone in its contract.")]
    median: Annotated[float | None, Meta(description="Likewise, of what is on offer now.")]


class ShipBoard(Struct, frozen=True, kw_only=True):
    """What ships are on offer, by type."""

    items: list[ShipBoardEntry]
    page: int
    per_page: int
    total: int
    coverage: list[RegionCoverage]


class ShipPrices(Struct, frozen=True, kw_only=True):
    """What a type of ship costs, on offer and of what disappeared before its time: one ship, alone in a contract."""

    type_id: int
    name: str | None
    days: int
    offers: int
    offers_cheapest: float | None
    offers_median: float | None
    sold: Annotated[int, Meta(description="Contracts that ended before they expired: accepted, or withdrawn.")]
    sold_p10: float | None
    sold_median: float | None
    coverage: list[RegionCoverage]


class TaxonomyGroup(Struct, frozen=True, kw_only=True):
    group_id: int
    name: str
    types: Annotated[int, Meta(description="Types of it that were seen in contracts.")]


class TaxonomyCategory(Struct, frozen=True, kw_only=True):
    category_id: int
    name: str
    groups: list[TaxonomyGroup]


class Taxonomy(Struct, frozen=True, kw_only=True):
    """Every group of types that was seen in contracts, by category."""

    items: list[TaxonomyCategory]
    coverage: list[RegionCoverage]


class KnownTypeView(Struct, frozen=True, kw_only=True):
    type_id: int
    name: str
    group_id: int | None
    group: str | None
    live: Annotated[int, Meta(description="Live contracts that give one, as of the last look at each region.")]


class KnownTypes(Struct, frozen=True, kw_only=True):
    """Types by name or group, up to 200."""

    items: list[KnownTypeView]
    coverage: list[RegionCoverage]


class AddWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one waits for: a type or a group of types."""

    type_id: TypeId | None = None
    group_id: TypeId | None = None
    region_id: TypeId | None = None
    max_price: Price | None = None
    note: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")] | None = None


class ChangeWatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a watch is to be another; what is left out stays."""

    max_price: Price | UnsetType | None = UNSET
    note: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")] | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Watch(Struct, frozen=True, kw_only=True):
    """What somebody waits for."""

    id: UUID
    type_id: int | None
    group_id: int | None
    name: Annotated[str | None, Meta(description="Of the type or the group, where it was seen already.")]
    region_id: int | None
    max_price: float | None
    note: str | None
    active: bool
    created_at: datetime
    alerts: Annotated[int, Meta(description="Contracts that its person was told of.")]


class Watches(Struct, frozen=True, kw_only=True):
    """One's own watches, and how much of the market is looked at for them."""

    items: list[Watch]
    coverage: list[RegionCoverage]


class RunAggregation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which regions are to be looked at now; all of them where none is named."""

    region_ids: Annotated[list[TypeId], Meta(min_length=1, max_length=MAX_REGIONS)] | None = None


class RunRequested(Struct, frozen=True, kw_only=True):
    """The tasks by which to ask what became of it: region id -> task id. A region that is fresh is not asked again."""

    tasks: dict[str, UUID]


class RunView(Struct, frozen=True, kw_only=True):
    """An aggregation run, and what it did."""

    id: UUID
    fence: int
    started_at: datetime
    finished_at: datetime | None
    outcome: Annotated[
        str | None,
        Meta(
            description="completed, partial (a region failed, or was not seen whole), failed, stopped, database_away, "
            "lost_lease, died (never heard of again); null: under way."
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
    """Something that the API sent and that could not be stored."""

    region_id: int
    contract_id: Annotated[int | None, Meta(description="null: not even that could be read.")]
    part: Annotated[str, Meta(description="listing or items.")]
    reason: str
    sent: Annotated[str, Meta(description="How it began.")]
    first_seen_at: datetime
    last_seen_at: datetime
    times: int


class RejectedPage(Struct, frozen=True, kw_only=True):
    items: list[RejectedView]
    page: int
    per_page: int
    total: int
    coverage: list[RegionCoverage]
