"""Messages about contracts that match a watch. Pure."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.events import Event
from users.notifications.messages import Message, RecipientLocale

FOUND: Final = "contract.found"
REGIONS: Final = {
    10000002: "The Forge",
    10000043: "Domain",
    10000030: "Heimatar",
    10000032: "Sinq Laison",
    10000042: "Metropolis",
}
"""Names of the great markets' regions; for other regions a message shows the number."""


class ContractFound(Struct, frozen=True, kw_only=True):
    """A contract that matches a watch; the payload of an event.

    Events are stored for a while, so the person's note and price limit are not part of it (see WatchTerms).
    """

    watch_id: UUID
    contract_id: int
    region_id: int
    type: str
    type_id: int
    name: str
    quantity: int
    price: float
    title: str
    date_expired: datetime
    other_items: bool
    wants_items: bool


class WatchTerms(Struct, frozen=True, kw_only=True):
    """The price limit in ISK and the note of a watch, shown only to its owner."""

    max_price: float | None
    note: str | None

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines that its owner reads below the message."""
        limit = None if self.max_price is None else f"Your limit: {self.max_price:,.0f} ISK"
        note = None if self.note is None else f"Your note: {self.note}"
        return tuple(line for line in (limit, note) if line)


def in_words(found: ContractFound) -> str:
    """Quantity, name, price and place: `3 x Merlin: bidding from 1,450,000 ISK in The Forge`."""
    place = REGIONS.get(found.region_id, f"region {found.region_id}")
    goods = f"{found.quantity:,} x {found.name}" if found.quantity > 1 else found.name
    bidding = "bidding from " if found.type == "auction" else ""
    return f"{goods}: {bidding}{found.price:,.0f} ISK in {place}"


class FoundInWords:
    """The MessageWriter of contracts: `Merlin: 1,450,000 ISK in The Forge`."""

    events: Final = frozenset({FOUND})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        found = msgspec.convert(event.payload, ContractFound)
        lines = [in_words(found)]
        if found.other_items:
            lines.append("The contract contains other items, too.")
        if found.wants_items:
            lines.append("The issuer also wants items in exchange.")
        if found.title:
            lines.append(f"Title: {found.title}")
        lines.append(f"Contract {found.contract_id}, until {found.date_expired:%d %b %H:%M} UTC")
        return Message(title=f"{found.name} is on offer", lines=tuple(lines))
