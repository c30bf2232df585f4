"""Event types and their readers, new and stored events, and the protocol of event handlers."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct


class Readers(StrEnum):
    """The bots that may read events of a type. The values are used in docs/events.md."""

    OWNER = "owner only"
    """No bot: the event is private, and only its owner gets it (channels, digest, export)."""
    OWNERS_GUILDS = "guilds of the owner"
    """Keys of guilds in which the owner was a confirmed member at that time and still is; and keys for all guilds."""
    NAMED_GUILD = "guild in the payload"
    """Keys of the guild in the payload's `guild_id`, and keys for all guilds."""
    ALL_GUILDS = "keys for all guilds"
    EVERYBODY = "every key"


class EventType(Struct, frozen=True, kw_only=True):
    """A type of event and its readers. It must be listed in `Module.events`, otherwise no bot can read its events."""

    name: str
    """`<subject>.<what happened>`: tracker.registered, game_account.changed."""
    when: str
    """Describes in docs/events.md when the event is published."""
    payload: type[Struct]
    readers: Readers


class NewEvent(Struct, frozen=True, kw_only=True):
    """An event to be published."""

    event: EventType
    aggregate: str
    """The subject, `<kind>:<id>`: events of one aggregate are relayed in the order in which they were written."""
    payload: Struct
    """An instance of the payload type, stored as JSON. It must hold no secrets: bots may read it."""
    user_id: UUID | None = None
    """The owner of the aggregate; None: it has no owner."""
    key: str | None = None
    """Of several events with the same key only the first is stored."""

    def __post_init__(self) -> None:
        if type(self.payload) is not self.event.payload:
            raise TypeError(f"{self.event.name} declares the payload {self.event.payload}, not {type(self.payload)}.")


class Event(Struct, frozen=True, kw_only=True):
    """A stored event."""

    id: UUID
    event: str
    aggregate: str
    payload: dict[str, Any]
    user_id: UUID | None
    occurred_at: datetime


class EventHandler(Protocol):
    """Handles events in the transaction that marks them as relayed, so that both are committed or neither."""

    name: str
    events: frozenset[str]
    """Names of the events that it handles."""

    async def handle(self, events: Sequence[Event]) -> None:
        """Handle events in their order, on the open session. Must await nothing but the database.

        Gets an event a second time only if the first transaction was rolled back.
        """
