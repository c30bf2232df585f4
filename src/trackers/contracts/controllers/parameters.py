"""Parameters and dependencies that endpoints of several audiences share."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from msgspec import Meta

from trackers.contracts.queries import ContractQueries
from trackers.contracts.schemas import MAX_REGIONS, ContractFilter, ContractSort, ContractStatus, ContractType
from trackers.contracts.ship_queries import ShipQueries

Queries = NamedDependency[SkipValidation[ContractQueries]]
Ships = NamedDependency[SkipValidation[ShipQueries]]

MAX_ID = 2**31 - 1
LARGEST_ISK = 1e18
TypeFilter = Annotated[ContractType | None, QueryParameter(name="type", description="Only contracts of this type.")]
StatusFilter = Annotated[
    ContractStatus,
    QueryParameter(
        description="live: open now; gone: accepted or withdrawn before they expired; expired; unfollowed: live when "
        "their region was last fetched, but this service no longer collects the region."
    ),
]
Sort = Annotated[ContractSort, QueryParameter(description="Sort order, ascending; with a dash descending.")]
Regions = Annotated[
    list[Annotated[int, Meta(ge=1, le=MAX_ID)]] | None,
    QueryParameter(max_items=MAX_REGIONS, description="Only contracts in these regions. May be repeated."),
]
Region = Annotated[int | None, QueryParameter(ge=1, le=MAX_ID, description="Only contracts in this region.")]
ItemType = Annotated[
    int | None, QueryParameter(ge=1, le=MAX_ID, description="Only contracts with an item of this type.")
]
ItemGroup = Annotated[
    int | None, QueryParameter(ge=1, le=MAX_ID, description="Only contracts that offer an item of this group.")
]
ShipType = Annotated[int | None, QueryParameter(ge=1, le=MAX_ID, description="Only contracts for this type of ship.")]
ShipGroup = Annotated[int | None, QueryParameter(ge=1, le=MAX_ID, description="Only ships of this group.")]
IsShip = Annotated[
    bool | None, QueryParameter(description="true: only contracts that sell a ship; false: only the others.")
]
MinPrice = Annotated[float | None, QueryParameter(ge=0, le=LARGEST_ISK, description="Minimum price (ISK).")]
MaxPrice = Annotated[float | None, QueryParameter(ge=0, le=LARGEST_ISK, description="Maximum price (ISK).")]
Title = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=100, pattern=r"^[^\x00]*$", description="Only contracts with this text in the title."
    ),
]
Blueprint = Annotated[
    bool | None,
    QueryParameter(
        description="true: only contracts that offer a blueprint copy; false: only contracts that offer another item."
    ),
]
MinRuns = Annotated[int | None, QueryParameter(ge=1, le=MAX_ID, description="Minimum runs of an item.")]
MinMe = Annotated[int | None, QueryParameter(ge=0, le=100, description="Minimum material efficiency of an item.")]
MinTe = Annotated[int | None, QueryParameter(ge=0, le=100, description="Minimum time efficiency of an item.")]
MinReward = Annotated[
    float | None, QueryParameter(ge=0, le=LARGEST_ISK, description="Minimum reward of a courier contract (ISK).")
]
MaxVolume = Annotated[float | None, QueryParameter(ge=0, le=1e15, description="Maximum volume (m3).")]
MaxCollateral = Annotated[float | None, QueryParameter(ge=0, le=LARGEST_ISK, description="Maximum collateral (ISK).")]
Issuer = Annotated[
    int | None, QueryParameter(ge=1, le=2**63 - 1, description="Only contracts that this character issued.")
]
Location = Annotated[
    int | None,
    QueryParameter(ge=1, le=2**63 - 1, description="Only contracts that begin or end at this station or structure."),
]
Days = Annotated[int, QueryParameter(ge=1, le=3650, description="Number of past days to include.")]
TypeName = Annotated[
    str | None,
    QueryParameter(
        min_length=2, max_length=100, pattern=r"^[^\x00]*$", description="Only types with this text in the name."
    ),
]


def contract_filter(
    status: StatusFilter = ContractStatus.LIVE,
    region_id: Regions = None,
    contract_type: TypeFilter = None,
    type_id: ItemType = None,
    group_id: ItemGroup = None,
    ship_type_id: ShipType = None,
    ship_group_id: ShipGroup = None,
    is_ship: IsShip = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    title: Title = None,
    blueprint: Blueprint = None,
    min_runs: MinRuns = None,
    min_me: MinMe = None,
    min_te: MinTe = None,
    min_reward: MinReward = None,
    max_volume: MaxVolume = None,
    max_collateral: MaxCollateral = None,
    issuer_id: Issuer = None,
    location_id: Location = None,
) -> ContractFilter:
    """Filter of a list, as a dependency that the endpoints of two audiences share."""
    return ContractFilter(
        status=status,
        region_id=tuple(region_id) if region_id else None,
        type=contract_type,
        type_id=type_id,
        group_id=group_id,
        ship_type_id=ship_type_id,
        ship_group_id=ship_group_id,
        is_ship=is_ship,
        min_price=min_price,
        max_price=max_price,
        title=title,
        blueprint=blueprint,
        min_runs=min_runs,
        min_me=min_me,
        min_te=min_te,
        min_reward=min_reward,
        max_volume=max_volume,
        max_collateral=max_collateral,
        issuer_id=issuer_id,
        location_id=location_id,
    )


Wanted = NamedDependency[SkipValidation[ContractFilter]]
