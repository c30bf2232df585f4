"""Contracts for admins: what the runs did, what could not be stored, and a run right now."""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from litestar.status_codes import HTTP_202_ACCEPTED

from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.contracts.admin_queries import ContractAdminQueries
from trackers.contracts.schemas import RejectedPage, RunAggregation, RunPage, RunRequested
from trackers.contracts.services.regions import RegionService

Queries = NamedDependency[SkipValidation[ContractAdminQueries]]
Service = NamedDependency[SkipValidation[RegionService]]
Asking = Request[Any, PersonIdentity, Any]


class AdminContractController(Controller):
    """How contracts are looked at."""

    path = "/contracts"
    tags = ("contracts",)

    @get("/runs", operation_id="list_contract_runs")
    async def list_runs(self, contract_admin_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50) -> RunPage:
        """Aggregation runs, the newest first: how each ended and what it did."""
        return await contract_admin_queries.runs(page=page, per_page=per_page)

    @post("/run", operation_id="run_contract_aggregation", audited=("region_ids",), status_code=HTTP_202_ACCEPTED)
    async def run(
        self, request: Asking, contract_regions: Service, data: JSONBody[RunAggregation | None] = None
    ) -> RunRequested:
        """Look at regions ahead of their turn: all, or those that are named. 404 `region_not_followed`.

        Pages of which the API says that it has nothing newer are not asked for again; what is left to read is read.
        """
        return RunRequested(
            tasks=await contract_regions.request_run(data.region_ids if data else None, asker=request.auth)
        )

    @get("/rejected", operation_id="list_rejected_contracts")
    async def list_rejected(
        self, contract_admin_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50
    ) -> RejectedPage:
        """What the API sent and could not be stored, the latest first."""
        return await contract_admin_queries.rejected(page=page, per_page=per_page)
