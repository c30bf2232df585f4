"""Endpoints for bots (events by cursor or as a stream) and for admins (the outbox)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter, SkipValidation
from litestar.response import ServerSentEvent, ServerSentEventMessage
from litestar.status_codes import HTTP_200_OK
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Meta

from shared.outbox.queries import EventQueries
from shared.outbox.redrive import DeadEventService
from shared.outbox.schemas import DeadEvents, Feed, FeedFilter, OutboxBacklog, Redriven
from shared.outbox.streams import EventStream, EventStreams, Said
from shared.web.identity import BotIdentity, PersonIdentity

LAST_POSITION: Final = 2**62
COMES_BACK_AFTER: Final = 2_000
"""Milliseconds after which a client reconnects; sent as `retry` of the first message."""
LEAVE: Final = "event_stream_leave"
"""Key in a request's state: a function that is called after the response has ended."""

Queries = NamedDependency[SkipValidation[EventQueries]]
Streams = NamedDependency[SkipValidation[EventStreams]]
DeadOnes = NamedDependency[SkipValidation[DeadEventService]]
AskingBot = Request[Any, BotIdentity, Any]
AskingAdmin = Request[Any, PersonIdentity, Any]
MAX_NAMES_LENGTH: Final = 5_000
"""Characters of a list of names, separated by commas."""
Named = Annotated[
    list[Annotated[str, Meta(max_length=MAX_NAMES_LENGTH)]] | None,
    QueryParameter(
        name="event",
        max_items=50,
        description="Only events with this name; `tracker.` with a dot at the end covers all events of tracker. May be "
        "repeated, or hold several names separated by commas.",
    ),
]


class _Leaving:
    """Closes a stream when its response ends: a client may disconnect at any moment, even before the first message."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if (leave := scope["state"].get(LEAVE)) is not None:
                leave()


class InternalEventController(Controller):
    """Events for bots."""

    path = "/events"
    tags = ("events",)

    @get("/", operation_id="internal_list_events", opt={"scope": "events:read"})
    async def list_events(
        self,
        request: AskingBot,
        event_queries: Queries,
        named: Named = None,
        after: Annotated[
            int, QueryParameter(ge=0, le=LAST_POSITION, description="Only events after this position.")
        ] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=500, description="Events per page.")] = 100,
    ) -> Feed:
        """List events in the order in which they were relayed.

        To continue, pass `next_after` as `after`; you then miss no event. Which keys can read an event depends on its
        type (docs/events.md). A key limited to guilds gets a member's events only from the time the member joined. No
        key gets private events. Events are removed after `TRACKERS_OUTBOX_KEEP_DAYS` days.
        """
        return await event_queries.feed(_filter(request, named), after=after, limit=limit)

    @get(
        "/stream",
        operation_id="internal_stream_events",
        opt={"scope": "events:read"},
        media_type="text/event-stream",
        middleware=[_Leaving],
        sync_to_thread=False,
    )
    def stream_events(
        self,
        request: AskingBot,
        event_streams: Streams,
        named: Named = None,
        after: Annotated[
            int | None,
            QueryParameter(ge=0, le=LAST_POSITION, description="Start after this position; without it: from now on."),
        ] = None,
        last_event_id: Annotated[
            int | None,
            HeaderParameter(
                name="Last-Event-ID",
                ge=0,
                le=LAST_POSITION,
                description="Position of the last event received; takes precedence over `after`.",
            ),
        ] = None,
    ) -> ServerSentEvent:
        """Stream events as Server-Sent Events.

        You get events as they are relayed. `id` is the position, `event` the name, and `data` an event as in the list.
        Comments keep the connection alive. To reconnect without missing an event, send the last `id` in the header
        `Last-Event-ID`. The stream ends when the key is revoked. 429 `too_many_streams` if too many streams are open
        with this key.
        """
        begin = after if last_event_id is None else last_event_id
        stream = event_streams.open(request.auth.key_id, _filter(request, named), after=begin)
        request.scope["state"][LEAVE] = stream.leave
        return ServerSentEvent(_Messages(stream))


class OutboxController(Controller):
    """State of the outbox, and its dead events."""

    path = "/outbox"
    tags = ("outbox",)

    @get("/", operation_id="get_outbox")
    async def get_outbox(self, event_queries: Queries) -> OutboxBacklog:
        """Get the state of the outbox.

        The outbox holds events until they are relayed. The response has the number of waiting events, the age of the
        oldest of them, the number of dead events, and the number of events that were relayed in the last hour.
        """
        return await event_queries.standing()

    @get("/dead", operation_id="list_dead_events")
    async def list_dead_events(
        self,
        event_queries: Queries,
        before: Annotated[
            UUID | None, QueryParameter(description="Only events older than the event with this id.")
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Events per page.")] = 50,
    ) -> DeadEvents:
        """List dead events, newest first.

        A dead event could not be relayed, and its last try has failed. Each entry has the error of that try.
        """
        return await event_queries.dead(before=before, limit=limit)

    @post("/redrive", operation_id="redrive_dead_events", status_code=HTTP_200_OK)
    async def redrive_all(self, request: AskingAdmin, dead_events: DeadOnes) -> Redriven:
        """Retry all dead events.

        Readers may receive these events out of order, because later events of the same objects have already been sent.
        """
        return await dead_events.redrive_all(asker=request.auth)

    @post("/{event_id:uuid}/redrive", operation_id="redrive_dead_event", status_code=HTTP_200_OK)
    async def redrive(self, request: AskingAdmin, event_id: FromPath[UUID], dead_events: DeadOnes) -> Redriven:
        """Retry one dead event.

        Readers may receive it out of order, because later events of the same object have already been sent. 404
        `dead_event_not_found` if there is no dead event with this id.
        """
        return await dead_events.redrive(event_id, asker=request.auth)


class _Messages(AsyncIterator[ServerSentEventMessage]):
    """A stream as Server-Sent Events."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream
        self._retry: int | None = COMES_BACK_AFTER

    async def __anext__(self) -> ServerSentEventMessage:
        message = _message(await anext(self._stream))
        message.retry, self._retry = self._retry, None
        return message


def _message(message: Said) -> ServerSentEventMessage:
    if message.event is None:
        return ServerSentEventMessage(data=None, id=message.position, comment="listening")
    data = msgspec.json.encode(message.event).decode()
    return ServerSentEventMessage(data=data, id=message.position, event=message.event.event)


def _filter(request: AskingBot, named: list[str] | None) -> FeedFilter:
    names = [name.strip() for given in named or () for name in given.split(",")]
    return FeedFilter(events=tuple(name for name in names if name), guild_ids=request.auth.guild_ids)
