"""Event types with their readers, events as modules write them and handlers read them, and what a handler is."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct


class Readers(StrEnum):
    """The bots that read events of a type. The values are the words of docs/events.md."""

    OWNER = "owner only"
    """No bot: the event is private, and only its owner learns of it (channels, digest, export)."""
    OWNERS_GUILDS = "guilds of the owner"
    """Keys of a guild of which the owner was a member at that time and still is, confirmed; and keys for all guilds."""
    NAMED_GUILD = "guild in the payload"
    """Keys of the guild in the payload's `guild_id`, and keys for all guilds."""
    ALL_GUILDS = "keys for all guilds"
    EVERYBODY = "every key"


class EventType(Struct, frozen=True, kw_only=True):
    """A kind of event and its readers; `Module.events` lists it, otherwise no bot reads its events."""

    name: str
    """`<subject>.<what happened>`: tracker.registered, game_account.changed."""
    when: str
    """When it is published, for docs/events.md."""
    payload: type[Struct]
    readers: Readers


class NewEvent(Struct, frozen=True, kw_only=True):
    """Something that happened, to be published."""

    event: EventType
    aggregate: str
    """The thing, `<kind>:<id>`: events of one are relayed in the order in which they were written."""
    payload: Struct
    """An instance of the type's payload, kept as JSON. No secrets: bots may read it."""
    user_id: UUID | None = None
    """Whose thing it is; None: nobody's in particular."""
    key: str | None = None
    """Of several events with one key only the first is kept."""

    def __post_init__(self) -> None:
        if type(self.payload) is not self.event.payload:
            raise TypeError(f"{self.event.name} declares the payload {self.event.payload}, not {type(self.payload)}.")


class Event(Struct, frozen=True, kw_only=True):
    """An event as it was kept."""

    id: UUID
    event: str
    aggregate: str
    payload: dict[str, Any]
    user_id: UUID | None
    occurred_at: datetime


class EventHandler(Protocol):
    """Does something about events, in the transaction that marks them as relayed: both happen or neither."""

    name: str
    events: frozenset[str]
    """The names it wants to hear of."""

    async def handle(self, events: Sequence[Event]) -> None:
        """In order. Built on the session that is open; awaits nothing but the database. May see an event again only
        where the transaction of the first time was rolled back.
        """
