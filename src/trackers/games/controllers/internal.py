"""Game trackers for bots."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import BotIdentity
from trackers.games.queries import TrackerQueries
from trackers.games.schemas import (
    AddTracker,
    ParsedLink,
    ParseLink,
    ProcessingStarted,
    RefreshStarted,
    RegisteredTrackers,
    RegisterTrackers,
    Seasons,
    Snapshots,
    TrackerStatus,
    TrackerView,
)
from trackers.games.services.queue import TrackerScrapingQueueService
from trackers.games.services.trackers import TrackerService, parse

Service = NamedDependency[SkipValidation[TrackerService]]
Queue = NamedDependency[SkipValidation[TrackerScrapingQueueService]]
Queries = NamedDependency[SkipValidation[TrackerQueries]]

Asking = Request[Any, BotIdentity, Any]

READ = {"scope": "trackers:read"}
WRITE = {"scope": "trackers:write"}


class InternalTrackerController(Controller):
    """Registering and reading trackers on behalf of a bot's people."""

    path = "/trackers"
    tags = ("trackers",)

    @post("/register-multiple", operation_id="internal_register_trackers", status_code=HTTP_201_CREATED, opt=WRITE)
    async def register_trackers(
        self, request: Asking, data: JSONBody[RegisterTrackers], tracker_service: Service
    ) -> RegisteredTrackers:
        """Register the first one to four trackers of a person: all of them or none. Each is fetched at once.

        400 for more than four, 409 for two links to one account, for who has trackers already, or for an account whose
        tracker is deactivated, 422 for a link that names no account.
        """
        return await tracker_service.register_trackers(data.user_id, data.urls, data.user_data, asker=request.auth)

    @post("/add", operation_id="internal_add_tracker", status_code=HTTP_201_CREATED, opt=WRITE)
    async def add_tracker(
        self, request: Asking, data: JSONBody[AddTracker], tracker_service: Service
    ) -> RegisteredTrackers:
        """Add one tracker, up to four a person; deactivated ones do not count towards the four.

        400 past four, 409 for an account that the person has a tracker of already, active or deactivated.
        """
        return await tracker_service.add_tracker(data.user_id, data.url, data.user_data, asker=request.auth)

    @post("/process-pending", operation_id="internal_process_pending", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def process_pending(self, request: Asking, tracker_queue: Queue) -> ProcessingStarted:
        """Put every tracker ahead that was never fetched, waits to be, or was given up until somebody asks."""
        return ProcessingStarted(queued=await tracker_queue.process_pending_trackers(asker=request.auth))

    @post("/parse", operation_id="internal_parse_link", status_code=HTTP_200_OK, opt=READ, sync_to_thread=False)
    def parse_link(self, data: JSONBody[ParseLink]) -> ParsedLink:
        """Which account a pasted link means; nothing is stored and nothing is fetched."""
        return parse(data.url)

    @get("/{tracker_id:uuid}", operation_id="internal_get_tracker", opt=READ)
    async def get_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """A tracker, the account that it follows, and how its scraping stands."""
        return await tracker_queries.tracker(request.auth, tracker_id)

    @post(
        "/{tracker_id:uuid}/refresh", operation_id="internal_refresh_tracker", status_code=HTTP_202_ACCEPTED, opt=WRITE
    )
    async def refresh_tracker(
        self, request: Asking, tracker_id: FromPath[UUID], tracker_queue: Queue
    ) -> RefreshStarted:
        """Fetch a tracker now, ahead of the rest. Asking again while that waits or runs gives the same task."""
        return RefreshStarted(task_id=await tracker_queue.enqueue_tracker(tracker_id, asker=request.auth))

    @get("/{tracker_id:uuid}/status", operation_id="internal_get_tracker_status", opt=READ)
    async def get_status(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerStatus:
        """How the scraping of a tracker stands, and when it is next looked at."""
        return await tracker_queries.status(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/seasons", operation_id="internal_get_tracker_seasons", opt=READ)
    async def get_seasons(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> Seasons:
        """Every season the account was seen in, the newest first, with the standings known of each."""
        return await tracker_queries.seasons(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/snapshots", operation_id="internal_get_tracker_snapshots", opt=READ)
    async def get_snapshots(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        tracker_queries: Queries,
        before: Annotated[UUID | None, QueryParameter(description="Only snapshots older than this one.")] = None,
        season: Annotated[str | None, QueryParameter(description="Only this season's.", max_length=64)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Snapshots to a page.")] = 50,
    ) -> Snapshots:
        """What moved and when, the newest first. Playlists that did not move at a moment are not repeated in it.

        A moment at which several seasons moved has a snapshot for each. 404 `snapshot_not_found` where `before` is no
        snapshot of this tracker's account.
        """
        return await tracker_queries.snapshots(request.auth, tracker_id, limit=limit, before=before, season=season)
