"""The events of price watches and their readers: trips are private."""

from typing import Final

from shared.events import EventType, Readers
from trackers.flights.news import ALERTED, ENDED, FAILING, RECOVERED, AlertNews, EndedNews, QueryNews

WATCH_ALERTED: Final = EventType(
    name=ALERTED,
    when="A price fulfils a rule of a watch.",
    payload=AlertNews,
    readers=Readers.OWNER,
)
WATCH_FAILING: Final = EventType(
    name=FAILING,
    when="No prices come in for a watch any more.",
    payload=QueryNews,
    readers=Readers.OWNER,
)
WATCH_RECOVERED: Final = EventType(
    name=RECOVERED,
    when="Prices come in for a watch again.",
    payload=QueryNews,
    readers=Readers.OWNER,
)
WATCH_ENDED: Final = EventType(
    name=ENDED,
    when="The trip of a watch has departed.",
    payload=EndedNews,
    readers=Readers.OWNER,
)
EVENTS: Final = (WATCH_ALERTED, WATCH_FAILING, WATCH_RECOVERED, WATCH_ENDED)
