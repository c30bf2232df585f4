"""Endpoints of followed fencers and clubs, written once for every kind and audience."""

from copy import deepcopy
from inspect import cleandoc
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from shared.module import Audience
from shared.web.identity import BotIdentity, Identity, PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.fencers.controllers.parameters import ActiveFilter, Before, Limit, Queries, Service
from trackers.fencers.links import SubjectKind
from trackers.fencers.schemas import (
    FencerHistory,
    TrackedDetail,
    TrackedFilter,
    TrackedPage,
    TrackedView,
    UpdateTracked,
)

Asking = Request[Any, Identity, Any]
AsPerson = Request[Any, PersonIdentity, Any]
AsBot = Request[Any, BotIdentity, Any]
OfUser = Annotated[UUID | None, QueryParameter(description="Only what the person with this `user_id` follows.")]

TRACK: Final = """
Follow a {kind} by number or pasted link.

The number is the one in the address of the page. The page is fetched soon. If you had deactivated this {kind},
following it again reactivates it, with the name and filter of this request.

A person can follow 200 fencers and 50 clubs, including deactivated ones; 400 `tracking_limit_reached` beyond that. 409
`already_tracked` if this {kind} is already followed. 422 `bad_reference` if the text is not the number or link of a
{kind}. 422 `unknown_weapon` if `weapons` has a weapon other than epee, foil and saber (in any spelling).
"""


class TrackedController(Controller):
    """Followed subjects; a subclass with a kind and an audience gets every handler under its own operation id.

    `{kind}` in operation ids and descriptions stands for the kind, `{of}` for the audience. Handlers that follow a
    subject have different bodies and are written in the subclasses.
    """

    kind: ClassVar[SubjectKind]
    audience: ClassVar[Audience]
    tags = ("fencers",)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not hasattr(cls, "kind"):
            return
        for name in dir(cls):
            if isinstance(handler := getattr(cls, name), HTTPRouteHandler):
                setattr(cls, name, _handler_for(cls.kind, cls.audience, handler))

    @get("/{tracked_id:uuid}", operation_id="{of}get_tracked_{kind}")
    async def get_one(self, request: Asking, tracked_id: FromPath[UUID], tracking_queries: Queries) -> TrackedDetail:
        """Get a followed {kind} with upcoming registrations.

        The response has the registrations for upcoming events that pass its weapon filter, soonest event first. 404
        `tracked_not_found` if there is no followed {kind} with this id.
        """
        return await tracking_queries.detail(self.kind, request.auth, tracked_id)

    @get("/{tracked_id:uuid}/history", operation_id="{of}get_tracked_{kind}_history")
    async def get_history(
        self,
        request: Asking,
        tracked_id: FromPath[UUID],
        tracking_queries: Queries,
        before: Before = None,
        limit: Limit = 50,
    ) -> FencerHistory:
        """Get the history of a followed {kind}, newest first.

        It has registrations for events, withdrawals and returns, and changes of the events' dates. `at` is the time at
        which this service saw the change. 404 `tracked_not_found` if there is no followed {kind} with this id.
        """
        return await tracking_queries.history(self.kind, request.auth, tracked_id, before=before, limit=limit)

    @patch("/{tracked_id:uuid}", operation_id="{of}update_tracked_{kind}", audited=("active",))
    async def update(
        self, request: Asking, tracked_id: FromPath[UUID], data: JSONBody[UpdateTracked], tracking_service: Service
    ) -> TrackedView:
        """Change the name, filter or state of a followed {kind}.

        Fields that you omit do not change. 422 `unknown_weapon` if `weapons` has a weapon other than epee, foil and
        saber (in any spelling). 400 `tracking_limit_reached` if you activate it and the maximum number is already
        active. 404 `tracked_not_found` if there is no followed {kind} with this id.
        """
        return await tracking_service.update(self.kind, tracked_id, data, asker=request.auth)

    @post("/{tracked_id:uuid}/deactivate", operation_id="{of}deactivate_tracked_{kind}", status_code=HTTP_200_OK)
    async def deactivate(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> TrackedView:
        """Deactivate a followed {kind}.

        The person who follows it gets no more notifications about it until they activate it or follow it again. 404
        `tracked_not_found` if there is no followed {kind} with this id.
        """
        return await tracking_service.update(self.kind, tracked_id, UpdateTracked(active=False), asker=request.auth)

    @delete("/{tracked_id:uuid}", operation_id="{of}untrack_{kind}")
    async def remove(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> None:
        """Stop following a {kind}.

        To keep it on the list and only stop the notifications, deactivate it instead. 404 `tracked_not_found` if there
        is no followed {kind} with this id.
        """
        await tracking_service.remove(self.kind, tracked_id, asker=request.auth)


class OwnTrackedController(TrackedController):
    """Fencers or clubs that you follow."""

    audience = Audience.PUBLIC

    @get("/", operation_id="list_tracked_{kind}s")
    async def list_tracked(
        self,
        request: AsPerson,
        tracking_queries: Queries,
        active: ActiveFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackedPage:
        """List the {kind}s that you follow, with their fetch status.

        They are in the order in which you followed them.
        """
        return await tracking_queries.list_of(
            self.kind, request.auth, TrackedFilter(active=active), page=page, per_page=per_page
        )


class PeoplesTrackedController(TrackedController):
    """Fencers or clubs that the people of a bot follow."""

    audience = Audience.INTERNAL

    @get("/", operation_id="internal_list_tracked_{kind}s")
    async def list_tracked(
        self,
        request: AsBot,
        tracking_queries: Queries,
        user_id: OfUser = None,
        active: ActiveFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackedPage:
        """List the {kind}s that people follow, with their fetch status.

        They are in the order in which they were followed. The list has only people that your key may act for.
        """
        return await tracking_queries.list_of(
            self.kind, request.auth, TrackedFilter(user_id=user_id, active=active), page=page, per_page=per_page
        )


def _handler_for(kind: SubjectKind, audience: Audience, written: HTTPRouteHandler) -> HTTPRouteHandler:
    """Return a handler of a kind and audience, with its operation id, description, and the scope that a key needs."""
    handler = deepcopy(written)
    words = {"kind": kind.value, "of": "internal_" if audience is Audience.INTERNAL else ""}
    handler.operation_id = str(written.operation_id).format(**words)
    handler.description = cleandoc(written.description or written.fn.__doc__ or "").format(**words)
    if audience is Audience.INTERNAL:
        handler.opt["scope"] = "fencers:read" if "GET" in written.http_methods else "fencers:write"
    return handler
