"""Endpoints of price watches."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.flights.controllers.parameters import (
    ActiveFilter,
    AlertLimit,
    Before,
    TripFilter,
    Watches,
    WatchReads,
)
from trackers.flights.schemas import AlertList, CreateWatch, ScrapeStarted, UpdateWatch, WatchPage, WatchView

Asking = Request[Any, PersonIdentity, Any]


class WatchController(Controller):
    """Your watches. The watches of other people give 404."""

    path = "/watches"
    tags = ("flights",)

    @post("/", operation_id="create_watch", status_code=HTTP_201_CREATED)
    async def create(self, request: Asking, data: JSONBody[CreateWatch], watch_service: Watches) -> WatchView:
        """Watch the price of a trip.

        The price is fetched soon. If a price is already known, it is evaluated within seconds. 404 `trip_not_found` if
        you have no such trip. 422 `unknown_provider` (with the known providers) or `unknown_currency` if there is no
        such provider or currency, 422 `impossible_watch` if the provider has no prices for flexible dates. 409
        `trip_departed` if the trip has departed. 400 `watch_limit_reached` if you have the maximum number of watches.
        """
        return await watch_service.create_watch(data, asker=request.auth)

    @get("/", operation_id="list_watches")
    async def list_mine(
        self,
        request: Asking,
        watch_queries: WatchReads,
        is_active: ActiveFilter = None,
        trip_id: TripFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> WatchPage:
        """List your watches with their prices, newest first."""
        return await watch_queries.list_watches(
            request.auth.user_id, is_active=is_active, trip_id=trip_id, page=page, per_page=per_page
        )

    @get("/{watch_id:uuid}", operation_id="get_watch")
    async def get_one(self, request: Asking, watch_id: FromPath[UUID], watch_queries: WatchReads) -> WatchView:
        """Get a watch with its price and fetch status.

        404 `watch_not_found` if you have no such watch.
        """
        return await watch_queries.get_watch(request.auth, watch_id)

    @patch("/{watch_id:uuid}", operation_id="update_watch")
    async def update(
        self, request: Asking, watch_id: FromPath[UUID], data: JSONBody[UpdateWatch], watch_service: Watches
    ) -> WatchView:
        """Change a watch.

        Fields that you omit do not change. The watch starts over if you activate it, or change its provider, currency,
        cabin class, flexible days, target price, or its rules about the median or lowest price: its earlier alerts no
        longer count, and known prices are compared with it again. Same 409 and 422 errors as for a new watch. 404
        `watch_not_found` if you have no such watch.
        """
        return await watch_service.update_watch(watch_id, data, asker=request.auth)

    @delete("/{watch_id:uuid}", operation_id="delete_watch")
    async def remove(self, request: Asking, watch_id: FromPath[UUID], watch_service: Watches) -> None:
        """Remove a watch with its alerts.

        Its prices stay with the trip. 404 `watch_not_found` if you have no such watch.
        """
        await watch_service.remove_watch(watch_id, asker=request.auth)

    @post("/{watch_id:uuid}/scrape", operation_id="scrape_watch", status_code=HTTP_202_ACCEPTED)
    async def scrape(self, request: Asking, watch_id: FromPath[UUID], watch_service: Watches) -> ScrapeStarted:
        """Fetch the price of a watch now, ahead of scheduled fetches.

        While the fetch waits or runs, further requests return the same task. 409 `provider_is_off` if the operator has
        not switched the provider on. 409 `nothing_to_scrape` if nothing is fetched from the provider, such as `manual`.
        409 `trip_departed` if the trip has departed. 429 `refresh_cooldown` (with a `Retry-After` header) if the last
        fetch was less than a minute ago. 429 `too_many_fetches` if twenty of your requested fetches are already
        waiting. 404 `watch_not_found` if you have no such watch.
        """
        return await watch_service.scrape_watch(watch_id, asker=request.auth)

    @get("/{watch_id:uuid}/alerts", operation_id="list_watch_alerts")
    async def get_alerts(
        self,
        request: Asking,
        watch_id: FromPath[UUID],
        watch_queries: WatchReads,
        before: Before = None,
        limit: AlertLimit = 50,
    ) -> AlertList:
        """List the alerts of a watch, newest first.

        Each has the rule that caused it and the prices at that time. 404 `watch_not_found` if you have no such watch.
        """
        return await watch_queries.get_alerts(request.auth, watch_id, before=before, limit=limit)
