"""Events as modules write them, as handlers and bots read them, and what a handler is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct


class NewEvent(Struct, frozen=True, kw_only=True):
    """Something that happened, to be told to whoever wants to know."""

    event: str
    """`<subject>.<what happened>`: tracker.registered, game_account.changed."""
    aggregate: str
    """The thing, `<kind>:<id>`: events of one are relayed in the order in which they were written."""
    payload: Mapping[str, Any] | Struct
    """What is told of it; JSON. No secrets: bots read it."""
    user_id: UUID | None = None
    """Whose thing it is; None: nobody's in particular."""
    key: str | None = None
    """Of several events with one key only the first is kept."""


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
