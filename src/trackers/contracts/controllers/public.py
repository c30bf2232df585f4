"""Contracts for people with a login, and their own watches."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, SkipValidation
from litestar.status_codes import HTTP_201_CREATED

from shared.web.csv import Format, ListFormat, csv_answer
from shared.web.identity import PersonIdentity
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
from trackers.contracts.schemas import (
    AddWatch,
    ChangeWatch,
    ContractDetail,
    ContractList,
    ContractSort,
    ContractSummary,
    KnownTypes,
    ShipBoard,
    ShipPrices,
    Taxonomy,
    Watch,
    Watches,
)
from trackers.contracts.services.watches import WatchService
from trackers.contracts.watch_queries import WatchReads

Asking = Request[Any, PersonIdentity, Any]
Service = NamedDependency[SkipValidation[WatchService]]
Reads = NamedDependency[SkipValidation[WatchReads]]
ContractId = Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="Id of the contract in the game.")]
ShipTypeId = Annotated[int, PathParameter(ge=1, le=2**31 - 1, description="Id of the ship's type.")]


class ContractController(Controller):
    """Public contracts of the followed regions; every list shows how fresh and complete it is (`coverage`)."""

    path = "/contracts"
    tags = ("contracts",)

    @get("/", operation_id="list_contracts")
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

    @get("/{contract_id:int}", operation_id="get_contract")
    async def get_contract(self, contract_id: ContractId, contract_queries: Queries) -> ContractDetail:
        """Get a contract with its items, bids and history.

        404 `contract_not_found` if this service does not have the contract, or it ended long ago.
        """
        return await contract_queries.contract(contract_id)

    @get("/ships", operation_id="list_ships")
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

    @get("/ships/{type_id:int}/prices", operation_id="get_ship_prices")
    async def get_prices(
        self, type_id: ShipTypeId, contract_ship_queries: Ships, region_id: Region = None, days: Days = 30
    ) -> ShipPrices:
        """Get the prices of a type of ship.

        The response has the lowest and median asking price, and the median and tenth percentile of contracts that
        closed early (usually because they sold) in the last `days` days. Prices are in ISK per ship; only contracts
        that sell nothing else count.
        """
        return await contract_ship_queries.prices(type_id, region_id=region_id, days=days)

    @get("/taxonomy", operation_id="get_contract_taxonomy")
    async def get_taxonomy(self, contract_ship_queries: Ships) -> Taxonomy:
        """List the categories and groups of types that were seen in contracts."""
        return await contract_ship_queries.taxonomy()

    @get("/types", operation_id="list_contract_types")
    async def list_types(
        self, contract_ship_queries: Ships, name: TypeName = None, group_id: ItemGroup = None
    ) -> KnownTypes:
        """List types by part of the name or by group.

        The list has up to 200 types, shortest names first. Use it to find the `type_id` to filter by or to watch.
        """
        return await contract_ship_queries.types(name=name, group_id=group_id)


class WatchController(Controller):
    """Your watches: you get one message for each contract that matches."""

    path = "/contracts/watches"
    tags = ("contracts",)

    @get("/", operation_id="list_contract_watches")
    async def list_watches(self, request: Asking, contract_watch_reads: Reads) -> Watches:
        """List your watches, oldest first."""
        return await contract_watch_reads.mine(request.auth.user_id)

    @post("/", operation_id="add_contract_watch", status_code=HTTP_201_CREATED)
    async def add(self, request: Asking, data: JSONBody[AddWatch], contract_watch_service: Service) -> Watch:
        """Watch contracts for a type or a group of types.

        You can set a maximum price and a region; without a region, all regions count. You get one message per matching
        contract, once the service has fetched its items. Contracts that are already on offer are listed under
        `/matches`.

        422 `unclear_watch` unless you send either `type_id` or `group_id`. 404 `region_not_followed` if this service
        does not collect that region. 409 `watch_exists` if you already watch this type or group in the same region. 400
        `too_many_watches` if you have the maximum number of watches.
        """
        return await contract_watch_service.add(request.auth.user_id, data)

    @get("/{watch_id:uuid}", operation_id="get_contract_watch")
    async def get_watch(self, request: Asking, watch_id: FromPath[UUID], contract_watch_reads: Reads) -> Watch:
        """Get a watch.

        404 `watch_not_found` if you have no such watch.
        """
        return await contract_watch_reads.one(request.auth.user_id, watch_id)

    @get("/{watch_id:uuid}/matches", operation_id="list_contract_watch_matches")
    async def list_matches(
        self,
        request: Asking,
        watch_id: FromPath[UUID],
        contract_watch_reads: Reads,
        contract_queries: Queries,
        sort: Sort = ContractSort.PRICE,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> ContractList:
        """List the contracts on offer that match a watch.

        404 `watch_not_found` if you have no such watch.
        """
        criteria = await contract_watch_reads.filter_of(request.auth.user_id, watch_id)
        return await contract_queries.contracts(criteria, sort=sort, page=page, per_page=per_page)

    @patch("/{watch_id:uuid}", operation_id="change_contract_watch")
    async def change(
        self, request: Asking, watch_id: FromPath[UUID], data: JSONBody[ChangeWatch], contract_watch_service: Service
    ) -> Watch:
        """Change a watch.

        You can change the maximum price or the note, or switch the watch off and on. Fields that you omit do not
        change; null removes the maximum price or the note. 404 `watch_not_found` if you have no such watch.
        """
        return await contract_watch_service.change(request.auth.user_id, watch_id, data)

    @delete("/{watch_id:uuid}", operation_id="remove_contract_watch")
    async def remove(self, request: Asking, watch_id: FromPath[UUID], contract_watch_service: Service) -> None:
        """Remove a watch.

        404 `watch_not_found` if you have no such watch.
        """
        await contract_watch_service.remove(request.auth.user_id, watch_id)
