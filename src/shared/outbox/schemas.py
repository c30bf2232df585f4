"""Events in the table, in the feed of bots and in the outbox of admins."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from shared.events import Event


class WrittenEvent(Struct, frozen=True, kw_only=True):
    """A new event for the table."""

    id: UUID
    event: str
    aggregate: str
    payload: Struct
    user_id: UUID | None
    key: str | None


class ClaimedEvent(Struct, frozen=True, kw_only=True):
    """An event in the relay, with the number of failed tries."""

    event: Event
    attempts: int


class Failure(Struct, frozen=True, kw_only=True):
    """The result of a failed try."""

    error: str
    due_at: datetime | None
    """Time of the next try; None: the event is dead."""
    dead_at: datetime | None


class FeedEvent(Struct, frozen=True, kw_only=True):
    """An event that was relayed."""

    position: Annotated[int, Meta(description="Position among all events; it grows with time.")]
    id: Annotated[
        UUID,
        Meta(description="Id of the event, the same wherever it is sent, to detect repetitions."),
    ]
    event: Annotated[str, Meta(examples=["tracker.registered"])]
    aggregate: Annotated[
        str, Meta(description="The subject of the event, `<kind>:<id>`; events of one aggregate come in order.")
    ]
    user_id: Annotated[
        UUID | None, Meta(description="Owner of the aggregate; null if there is none, or none in the key's guilds.")
    ]
    payload: dict[str, Any]
    occurred_at: datetime


class Feed(Struct, frozen=True, kw_only=True):
    """A page of events in the order in which they were relayed."""

    items: list[FeedEvent]
    next_after: Annotated[
        int, Meta(description="Value of `after` for the next request; unchanged if there are no new events.")
    ]


class FeedFilter(Struct, frozen=True, kw_only=True):
    """Filter for events."""

    events: tuple[str, ...] = ()
    """Names of events; a name that ends with a dot is a prefix. Empty: all events."""
    guild_ids: frozenset[str] | None = None
    """Guilds of the key: it reads events of these guilds and their members. None: a key for all guilds."""


class OutboxBacklog(Struct, frozen=True, kw_only=True):
    """State of the outbox."""

    waiting: Annotated[
        int, Meta(description="Events that wait for the relay, including those that wait for another try.")
    ]
    oldest_waiting_seconds: Annotated[
        float | None, Meta(description="Age of the oldest waiting event; null if no event waits.")
    ]
    dead: Annotated[int, Meta(description="Events that failed too often and are not tried again.")]
    relayed_last_hour: int


class DeadEvent(Struct, frozen=True, kw_only=True):
    """An event that is not tried again, with the error of the last try."""

    id: UUID
    event: str
    aggregate: str
    user_id: UUID | None
    payload: dict[str, Any]
    occurred_at: datetime
    attempts: int
    dead_at: datetime
    error: str


class DeadEvents(Struct, frozen=True, kw_only=True):
    items: list[DeadEvent]
    next_before: Annotated[
        UUID | None, Meta(description="Value of `before` for the next page; null on the last page.")
    ] = None


class Redriven(Struct, frozen=True, kw_only=True):
    redriven: Annotated[int, Meta(description="Number of events that are tried again.")]


class ExportedEvent(Struct, frozen=True, kw_only=True):
    """An event in the export of a person's data."""

    event: str
    aggregate: str
    payload: dict[str, Any]
    occurred_at: datetime
