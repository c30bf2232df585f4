"""Updates of price watches: the payloads of events (Structs) and the messages for people. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.events import Event
from trackers.flights.alerts import Rule
from trackers.flights.money import in_words
from users.notifications.messages import Message, RecipientLocale

ALERTED: Final = "price_watch.alerted"
FAILING: Final = "price_watch.failing"
RECOVERED: Final = "price_watch.recovered"
ENDED: Final = "price_watch.ended"
TITLES: Final = {
    Rule.TARGET: "at or below your target",
    Rule.NEW_LOW: "a new low",
    Rule.REMINDER: "still at or below your target",
    Rule.BELOW_MEDIAN: "below the usual price",
    Rule.LOWEST_EVER: "the lowest ever seen",
}
WHY: Final = {
    "blocked": "The site refuses to answer us.",
    "throttled": "The site asks us to try again later.",
    "unavailable": "The site does not answer.",
    "page_changed": "The site's page has changed, and we cannot read it.",
}


class Route(Struct, frozen=True, kw_only=True):
    """Route and dates of a search."""

    origin: str
    destination: str
    departs_on: date
    returns_on: date | None

    @property
    def in_words(self) -> str:
        back = f" to {self.returns_on}" if self.returns_on else ""
        return f"{self.origin}-{self.destination}, {self.departs_on}{back}"


class AlertUpdate(Route, frozen=True, kw_only=True):
    """A price that meets a rule of a watch, with other prices to compare. Prices in minor units."""

    key: str
    watch_id: UUID
    trip_id: UUID
    trip_name: str | None
    rules: Sequence[Rule]
    price: int
    currency: str
    target_price: int
    previous_price: int | None
    lowest_price: int | None
    median_price: int | None
    typical_low: int | None
    typical_high: int | None
    airline_name: str | None
    stops: int | None
    cabin_class: str
    seen_at: datetime
    url: str | None


class QueryUpdate(Route, frozen=True, kw_only=True):
    """A search that stopped giving prices, or gives prices again."""

    watch_id: UUID
    provider: str
    reason: str | None
    since: datetime | None
    url: str | None


class EndedUpdate(Route, frozen=True, kw_only=True):
    """A watch whose trip has departed."""

    watch_id: UUID
    trip_id: UUID
    trip_name: str | None
    currency: str
    lowest_price: int | None


class FlightMessages:
    """Writes messages about prices, such as `JFK-LAX, 2027-03-01: 288.40 USD, at or below your target`."""

    events: Final = frozenset({ALERTED, FAILING, RECOVERED, ENDED})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """Write the message of an event; it is the same for every recipient."""
        if event.event == ALERTED:
            return _alert(msgspec.convert(event.payload, AlertUpdate))
        if event.event == ENDED:
            return _ended(msgspec.convert(event.payload, EndedUpdate))
        update = msgspec.convert(event.payload, QueryUpdate)
        if event.event == RECOVERED:
            return Message(title=f"{update.in_words}: prices come in again", lines=(_since(update),), url=update.url)
        why = WHY.get(update.reason or "", "Something went wrong on our side.")
        return Message(
            title=f"{update.in_words}: no prices at present",
            lines=(why, "Your watch stays active. You get a message when prices come in again."),
            url=update.url,
        )


def _alert(update: AlertUpdate) -> Message:
    name = f"{update.trip_name} ({update.in_words})" if update.trip_name else update.in_words
    reasons = ", ".join(TITLES[rule] for rule in update.rules)
    return Message(
        title=f"{name}: {in_words(update.price, update.currency)}, {reasons}", lines=_context(update), url=update.url
    )


def _context(update: AlertUpdate) -> tuple[str, ...]:
    def money(amount: int) -> str:
        return in_words(amount, update.currency)

    lines = [f"Your target: {money(update.target_price)}"]
    if update.previous_price is not None:
        lines.append(f"Before: {money(update.previous_price)} ({_moved(update.previous_price, update.price)})")
    if update.lowest_price is not None:
        lines.append(f"Lowest so far: {money(update.lowest_price)}")
    if update.median_price is not None:
        lines.append(f"Usual price: {money(update.median_price)}")
    if update.typical_low is not None and update.typical_high is not None:
        lines.append(f"Typical: {money(update.typical_low)} to {money(update.typical_high)}")
    if update.airline_name:
        lines.append(f"{update.airline_name}, {_stops(update.stops)}")
    return tuple(lines)


def _moved(before: int, now: int) -> str:
    return f"{(now - before) / before:+.0%}" if before else "new"


def _stops(stops: int | None) -> str:
    if stops is None:
        return "stops unknown"
    return {0: "nonstop", 1: "1 stop"}.get(stops, f"{stops} stops")


def _since(update: QueryUpdate) -> str:
    if update.since is None:
        return "There were none for a while."
    return f"There were none since {update.since:%Y-%m-%d %H:%M} UTC."


def _ended(update: EndedUpdate) -> Message:
    lowest = "No price."
    if update.lowest_price:
        lowest = f"The lowest seen was {in_words(update.lowest_price, update.currency)}."
    name = f"{update.trip_name} ({update.in_words})" if update.trip_name else update.in_words
    return Message(title=f"{name}: departed, no longer watched", lines=(lowest,), url=None)
