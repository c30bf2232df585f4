"""Events as they are stored, and as bots and admins read them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from shared.events import Event


class WrittenEvent(Struct, frozen=True, kw_only=True):
    """A new event, as it goes into the table."""

    id: UUID
    event: str
    aggregate: str
    payload: Struct
    user_id: UUID | None
    key: str | None


class ClaimedEvent(Struct, frozen=True, kw_only=True):
    """An event that is being relayed, and how often that failed before."""

    event: Event
    attempts: int


class Failure(Struct, frozen=True, kw_only=True):
    """A try that came to nothing."""

    error: str
    due_at: datetime | None
    """When it is tried again; None: not any more."""
    dead_at: datetime | None


class FeedEvent(Struct, frozen=True, kw_only=True):
    """Something that happened."""

    position: Annotated[int, Meta(description="Its place among all events; later ones have greater ones.")]
    id: Annotated[UUID, Meta(description="The same wherever the event is told, so that a repetition shows.")]
    event: Annotated[str, Meta(examples=["tracker.registered"])]
    aggregate: Annotated[str, Meta(description="The thing, `<kind>:<id>`; events of one come in order.")]
    user_id: Annotated[
        UUID | None, Meta(description="The owner of the thing; null: nobody, or no member of the key's guilds.")
    ]
    payload: dict[str, Any]
    occurred_at: datetime


class Feed(Struct, frozen=True, kw_only=True):
    """Events in the order in which they were relayed."""

    items: list[FeedEvent]
    next_after: Annotated[
        int, Meta(description="`after` of the next question; the same as was asked with: nothing new so far.")
    ]


class FeedFilter(Struct, frozen=True, kw_only=True):
    """Which events are asked for."""

    events: tuple[str, ...] = ()
    """Names; one that ends with a dot is the beginning of some. None at all: every event."""
    guild_ids: frozenset[str] | None = None
    """The guilds of the key, which reads what their members or they may be told; None: a key for all guilds."""


class OutboxBacklog(Struct, frozen=True, kw_only=True):
    """How the outbox stands."""

    waiting: Annotated[int, Meta(description="Events still to be relayed, those that are tried again included.")]
    oldest_waiting_seconds: Annotated[float | None, Meta(description="Age of the oldest of them; null: none waits.")]
    dead: Annotated[int, Meta(description="Events that are not tried any more.")]
    relayed_last_hour: int


class DeadEvent(Struct, frozen=True, kw_only=True):
    """An event that is not tried any more, and why."""

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
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")] = None


class Redriven(Struct, frozen=True, kw_only=True):
    redriven: Annotated[int, Meta(description="Events that are tried anew.")]


class ExportedEvent(Struct, frozen=True, kw_only=True):
    """An event in the export of a person's data."""

    event: str
    aggregate: str
    payload: dict[str, Any]
    occurred_at: datetime
