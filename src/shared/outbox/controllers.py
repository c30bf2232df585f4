"""Events for bots, by cursor or as a stream; and the outbox for admins."""

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
"""Milliseconds, told to clients."""
LEAVE: Final = "event_stream_leave"
"""Key in a request's state: what is to be done once its answer has ended."""

Queries = NamedDependency[SkipValidation[EventQueries]]
Streams = NamedDependency[SkipValidation[EventStreams]]
DeadOnes = NamedDependency[SkipValidation[DeadEventService]]
AskingBot = Request[Any, BotIdentity, Any]
AskingAdmin = Request[Any, PersonIdentity, Any]
MAX_NAMES_LENGTH: Final = 5_000
"""Characters of names with commas between."""
Named = Annotated[
    list[Annotated[str, Meta(max_length=MAX_NAMES_LENGTH)]] | None,
    QueryParameter(
        name="event",
        max_items=50,
        description="Only events of this name; `tracker.` with a dot at its end: all of tracker. May be repeated, or "
        "several with commas between them.",
    ),
]


class _Leaving:
    """Lets a stream go with its answer: a client may leave at any moment, also before the first message."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if (leave := scope["state"].get(LEAVE)) is not None:
                leave()


class InternalEventController(Controller):
    """What happened, for bots."""

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
        limit: Annotated[int, QueryParameter(ge=1, le=500, description="Events to a page.")] = 100,
    ) -> Feed:
        """Events in the order in which they were relayed; ask on with `next_after`, which misses none.

        Each event has its readers (docs/events.md): a key for some guilds reads what happened to their members' things
        since they are members, and no key reads private events. Old events go after a while.
        """
        return await event_queries.feed(_wanted(request, named), after=after, limit=limit)

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
            QueryParameter(ge=0, le=LAST_POSITION, description="From after this position on; left out: from now on."),
        ] = None,
        last_event_id: Annotated[
            int | None,
            HeaderParameter(
                name="Last-Event-ID",
                ge=0,
                le=LAST_POSITION,
                description="The last position that was heard of; goes before `after`.",
            ),
        ] = None,
    ) -> ServerSentEvent:
        """Events as they are relayed, as Server-Sent Events: the position as `id`, the name as `event`, an entry of
        the list as `data`. Comments tell that it is alive. It ends when the key does; come back with the last `id`.
        """
        begin = after if last_event_id is None else last_event_id
        stream = event_streams.open(request.auth.key_id, _wanted(request, named), after=begin)
        request.scope["state"][LEAVE] = stream.leave
        return ServerSentEvent(_Messages(stream))


class OutboxController(Controller):
    """How the outbox stands, and what died in it."""

    path = "/outbox"
    tags = ("outbox",)

    @get("/", operation_id="get_outbox")
    async def get_outbox(self, event_queries: Queries) -> OutboxBacklog:
        """What waits and for how long, what is dead, what was relayed in the last hour."""
        return await event_queries.standing()

    @get("/dead", operation_id="list_dead_events")
    async def list_dead_events(
        self,
        event_queries: Queries,
        before: Annotated[UUID | None, QueryParameter(description="Only events older than this one.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Events to a page.")] = 50,
    ) -> DeadEvents:
        """Events that failed too often to be tried again, the newest first, with what was wrong."""
        return await event_queries.dead(before=before, limit=limit)

    @post("/redrive", operation_id="redrive_dead_events", status_code=HTTP_200_OK)
    async def redrive_all(self, request: AskingAdmin, dead_events: DeadOnes) -> Redriven:
        """Have every dead event tried anew. Later events of the same things have gone before them."""
        return await dead_events.redrive_all(asker=request.auth)

    @post("/{event_id:uuid}/redrive", operation_id="redrive_dead_event", status_code=HTTP_200_OK)
    async def redrive(self, request: AskingAdmin, event_id: FromPath[UUID], dead_events: DeadOnes) -> Redriven:
        """Have one dead event tried anew."""
        return await dead_events.redrive(event_id, asker=request.auth)


class _Messages(AsyncIterator[ServerSentEventMessage]):
    """A stream in the form of the wire."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream
        self._retry: int | None = COMES_BACK_AFTER

    async def __anext__(self) -> ServerSentEventMessage:
        message = _message(await anext(self._stream))
        message.retry, self._retry = self._retry, None
        return message


def _message(said: Said) -> ServerSentEventMessage:
    if said.event is None:
        return ServerSentEventMessage(data=None, id=said.position, comment="listening")
    data = msgspec.json.encode(said.event).decode()
    return ServerSentEventMessage(data=data, id=said.position, event=said.event.event)


def _wanted(request: AskingBot, named: list[str] | None) -> FeedFilter:
    names = [name.strip() for given in named or () for name in given.split(",")]
    return FeedFilter(events=tuple(name for name in names if name), guild_ids=request.auth.guild_ids)
