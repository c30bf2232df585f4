"""What is told of prices, in Structs for events and in words for people. Pure."""

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
    Rule.NEW_LOW: "lower still",
    Rule.REMINDER: "still at or below your target",
    Rule.BELOW_MEDIAN: "below its usual price",
    Rule.LOWEST_EVER: "the lowest ever seen",
}
WHY: Final = {
    "blocked": "The site refuses to answer us.",
    "throttled": "The site asks us to come back later.",
    "unavailable": "The site gives no answer.",
    "page_changed": "The site's page is not what we know how to read.",
}


class Route(Struct, frozen=True, kw_only=True):
    """What was searched for."""

    origin: str
    destination: str
    departs_on: date
    returns_on: date | None

    @property
    def in_words(self) -> str:
        back = f" to {self.returns_on}" if self.returns_on else ""
        return f"{self.origin}-{self.destination}, {self.departs_on}{back}"


class AlertUpdate(Route, frozen=True, kw_only=True):
    """A price that somebody wanted to hear of, with what it stands beside. Prices in minor units."""

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
    """A search that gives no prices any more, or does so again."""

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
    """Says what a trip costs: `JFK-LAX, 2027-03-01: 288.40 USD, at or below your target`."""

    events: Final = frozenset({ALERTED, FAILING, RECOVERED, ENDED})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """The same for everybody who watches."""
        if event.event == ALERTED:
            return _alert(msgspec.convert(event.payload, AlertUpdate))
        if event.event == ENDED:
            return _ended(msgspec.convert(event.payload, EndedUpdate))
        news = msgspec.convert(event.payload, QueryUpdate)
        if event.event == RECOVERED:
            return Message(title=f"{news.in_words}: prices come in again", lines=(_since(news),), url=news.url)
        why = WHY.get(news.reason or "", "Something went wrong on our side.")
        return Message(
            title=f"{news.in_words}: no prices at present",
            lines=(why, "Your watch stays on; you hear from us when prices come in again."),
            url=news.url,
        )


def _alert(news: AlertUpdate) -> Message:
    name = f"{news.trip_name} ({news.in_words})" if news.trip_name else news.in_words
    reasons = ", ".join(TITLES[rule] for rule in news.rules)
    return Message(
        title=f"{name}: {in_words(news.price, news.currency)}, {reasons}", lines=_context(news), url=news.url
    )


def _context(news: AlertUpdate) -> tuple[str, ...]:
    def money(amount: int) -> str:
        return in_words(amount, news.currency)

    lines = [f"Your target: {money(news.target_price)}"]
    if news.previous_price is not None:
        lines.append(f"Before: {money(news.previous_price)} ({_moved(news.previous_price, news.price)})")
    if news.lowest_price is not None:
        lines.append(f"Lowest so far: {money(news.lowest_price)}")
    if news.median_price is not None:
        lines.append(f"Usual price: {money(news.median_price)}")
    if news.typical_low is not None and news.typical_high is not None:
        lines.append(f"Typical: {money(news.typical_low)} to {money(news.typical_high)}")
    if news.airline_name:
        lines.append(f"{news.airline_name}, {_stops(news.stops)}")
    return tuple(lines)


def _moved(before: int, now: int) -> str:
    return f"{(now - before) / before:+.0%}" if before else "new"


def _stops(stops: int | None) -> str:
    if stops is None:
        return "stops unknown"
    return {0: "nonstop", 1: "1 stop"}.get(stops, f"{stops} stops")


def _since(news: QueryUpdate) -> str:
    return f"There were none since {news.since:%Y-%m-%d %H:%M} UTC." if news.since else "They had stopped."


def _ended(news: EndedUpdate) -> Message:
    lowest = f"The lowest seen was {in_words(news.lowest_price, news.currency)}." if news.lowest_price else "No price."
    name = f"{news.trip_name} ({news.in_words})" if news.trip_name else news.in_words
    return Message(title=f"{name}: departed, no longer watched", lines=(lowest,), url=None)
