"""Contracts for bots: the same as for members."""

from litestar import Controller, get

from shared.web.csv import Format, ListFormat, csv_answer
from shared.web.paging import PageNumber, PerPage
from trackers.contracts.controllers.parameters import (
    Days,
    ItemGroup,
    Queries,
    Region,
    ShipGroup,
    Ships,
    Sort,
    TypeName,
    Wanted,
)
from trackers.contracts.controllers.public import ContractId, ShipTypeId
from trackers.contracts.schemas import (
    ContractDetail,
    ContractList,
    ContractSort,
    ContractSummary,
    KnownTypes,
    ShipBoard,
    ShipPrices,
    Taxonomy,
)

READ = {"scope": "contracts:read"}


class InternalContractController(Controller):
    """The same endpoints as for people, without watches."""

    path = "/contracts"
    tags = ("contracts",)

    @get("/", operation_id="internal_list_contracts", opt=READ)
    async def list_contracts(
        self,
        contract_queries: Queries,
        contract_filter: Wanted,
        sort: Sort = ContractSort.ISSUED_DOWN,
        page: PageNumber = 1,
        per_page: PerPage = 50,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name
    ) -> ContractList:
        """List the contracts that are open now; pass `status` to list past ones.

        The response also counts contracts by type. Prices are in ISK.
        """
        listed = await contract_queries.contracts(contract_filter, sort=sort, page=page, per_page=per_page)
        return listed if format is ListFormat.JSON else csv_answer(ContractSummary, listed.items, name="contracts")

    @get("/{contract_id:int}", operation_id="internal_get_contract", opt=READ)
    async def get_contract(self, contract_id: ContractId, contract_queries: Queries) -> ContractDetail:
        """Get a contract with its items, bids and history.

        404 `contract_not_found` if this service does not have the contract, or it ended long ago.
        """
        return await contract_queries.contract(contract_id)

    @get("/ships", operation_id="internal_list_ships", opt=READ)
    async def list_ships(
        self,
        contract_ship_queries: Ships,
        region_id: Region = None,
        ship_group_id: ShipGroup = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> ShipBoard:
        """List the types of ships on offer.

        Each has the number of offers, and the lowest and median asking price in ISK per ship; only contracts that sell
        nothing else count for prices. To list the contracts themselves, use `is_ship=true` in the list of contracts.
        """
        return await contract_ship_queries.ships(
            region_id=region_id, ship_group_id=ship_group_id, page=page, per_page=per_page
        )

    @get("/ships/{type_id:int}/prices", operation_id="internal_get_ship_prices", opt=READ)
    async def get_prices(
        self, type_id: ShipTypeId, contract_ship_queries: Ships, region_id: Region = None, days: Days = 30
    ) -> ShipPrices:
        """Get the prices of a type of ship.

        The response has the lowest and median asking price, and the median and tenth percentile of contracts that
        closed early (usually because they sold) in the last `days` days. Prices are in ISK per ship; only contracts
        that sell nothing else count.
        """
        return await contract_ship_queries.prices(type_id, region_id=region_id, days=days)

    @get("/taxonomy", operation_id="internal_get_contract_taxonomy", opt=READ)
    async def get_taxonomy(self, contract_ship_queries: Ships) -> Taxonomy:
        """List the categories and groups of types that were seen in contracts."""
        return await contract_ship_queries.taxonomy()

    @get("/types", operation_id="internal_list_contract_types", opt=READ)
    async def list_types(
        self, contract_ship_queries: Ships, name: TypeName = None, group_id: ItemGroup = None
    ) -> KnownTypes:
        """List types by part of the name or by group.

        The list has up to 200 types, shortest names first. Use it to find the `type_id` to filter by.
        """
        return await contract_ship_queries.types(name=name, group_id=group_id)
