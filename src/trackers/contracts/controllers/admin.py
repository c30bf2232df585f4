"""Contracts for admins: runs, rejected rows, and a run on request."""

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
    """Aggregation of contracts: runs and rejected rows."""

    path = "/contracts"
    tags = ("contracts",)

    @get("/runs", operation_id="list_contract_runs")
    async def list_runs(self, contract_admin_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50) -> RunPage:
        """List the fetches of regions with their results, newest first.

        Each entry has its outcome and a summary.
        """
        return await contract_admin_queries.runs(page=page, per_page=per_page)

    @post("/run", operation_id="run_contract_aggregation", audited=("region_ids",), status_code=HTTP_202_ACCEPTED)
    async def run(
        self, request: Asking, contract_regions: Service, data: JSONBody[RunAggregation | None] = None
    ) -> RunRequested:
        """Fetch regions now.

        Send the regions to fetch; if you send none, all followed regions are fetched. A region's contract list is not
        fetched again until EVE's API has newer data; items and bids that are due are still fetched. 404
        `region_not_followed` if this service does not collect one of the regions.
        """
        return RunRequested(
            tasks=await contract_regions.request_run(data.region_ids if data else None, asker=request.auth)
        )

    @get("/rejected", operation_id="list_rejected_contracts")
    async def list_rejected(
        self, contract_admin_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50
    ) -> RejectedPage:
        """List rejected contract data.

        These are rows that EVE's API sent but that could not be stored, the most recently seen first.
        """
        return await contract_admin_queries.rejected(page=page, per_page=per_page)
