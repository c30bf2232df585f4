"""Deliveries to all channels, for admins."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, QueryParameter
from litestar.status_codes import HTTP_202_ACCEPTED

from users.notifications.controllers.parameters import Before, Limit, Queries, Service, StateFilter
from users.notifications.schemas import Deliveries, DeliveryStarted


class DeliveryController(Controller):
    """Deliveries to all channels, with their states."""

    path = "/deliveries"
    tags = ("notifications",)

    @get("/", operation_id="list_deliveries")
    async def list_deliveries(
        self,
        notification_queries: Queries,
        channel_id: Annotated[UUID | None, QueryParameter(description="Only deliveries to this channel.")] = None,
        user_id: Annotated[
            UUID | None, QueryParameter(description="Only deliveries of updates for this person.")
        ] = None,
        in_state: StateFilter = None,
        event: Annotated[
            str | None, QueryParameter(max_length=100, description="Only deliveries of this event.")
        ] = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> Deliveries:
        """List the deliveries to all channels, newest first."""
        return await notification_queries.every_delivery(
            channel_id=channel_id, user_id=user_id, state=in_state, event=event, before=before, limit=limit
        )

    @post("/{delivery_id:uuid}/redrive", operation_id="redrive_delivery", status_code=HTTP_202_ACCEPTED)
    async def redrive(self, delivery_id: FromPath[UUID], channel_service: Service) -> DeliveryStarted:
        """Send a failed or skipped delivery again.

        404 `delivery_not_found` if no failed or skipped delivery has this id, 409 `channel_not_active` if its channel
        is suspended.
        """
        return await channel_service.redrive(delivery_id)
