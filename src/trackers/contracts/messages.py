"""What whoever waits for something is told when it is on offer. Pure."""

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
"""Names of the great markets' regions; of others the number is told."""


class ContractFound(Struct, frozen=True, kw_only=True):
    """A contract that somebody's watch was waiting for.

    Events are kept for a while, so what the person noted down, or would pay, is not in it (WatchTerms).
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
    """What a watch's person noted down, and would pay: for nobody else."""

    max_price: float | None
    note: str | None

    @property
    def lines(self) -> tuple[str, ...]:
        """What the person reads below the news."""
        limit = None if self.max_price is None else f"Your limit: {self.max_price:,.0f} ISK"
        note = None if self.note is None else f"Your note: {self.note}"
        return tuple(line for line in (limit, note) if line)


def in_words(found: ContractFound) -> str:
    """What, for how much, and where."""
    place = REGIONS.get(found.region_id, f"region {found.region_id}")
    what = f"{found.quantity:,} x {found.name}" if found.quantity > 1 else found.name
    words = "bidding from " if found.type == "auction" else ""
    return f"{what}: {words}{found.price:,.0f} ISK in {place}"


class FoundInWords:
    """A MessageWriter: `Merlin: 1,450,000 ISK in The Forge`."""

    events: Final = frozenset({FOUND})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        found = msgspec.convert(event.payload, ContractFound)
        lines = [in_words(found)]
        if found.other_items:
            lines.append("There is more in the contract.")
        if found.wants_items:
            lines.append("Its issuer wants things in exchange, too.")
        if found.title:
            lines.append(f"Titled: {found.title}")
        lines.append(f"Contract {found.contract_id}, until {found.date_expired:%d %b %H:%M} UTC")
        return Message(title=f"{found.name} is on offer", lines=tuple(lines))
