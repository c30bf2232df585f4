"""Game trackers for the people who follow something."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from shared.web.identity import PersonIdentity
from trackers.games.queries import TrackerQueries
from trackers.games.schemas import Trackers, TrackerView

Queries = NamedDependency[SkipValidation[TrackerQueries]]
Asking = Request[Any, PersonIdentity, Any]


class TrackerController(Controller):
    """One's own trackers, and those of people whose guild one runs."""

    path = "/trackers"
    tags = ("trackers",)

    @get("/me", operation_id="list_my_trackers")
    async def list_mine(self, request: Asking, tracker_queries: Queries) -> Trackers:
        """One's own trackers, the oldest first, and how the scraping of each stands."""
        return await tracker_queries.trackers_of(request.auth.user_id)

    @get("/{tracker_id:uuid}", operation_id="get_tracker")
    async def get_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """A tracker, the account that it follows, and how its scraping stands."""
        return await tracker_queries.tracker(request.auth, tracker_id)
