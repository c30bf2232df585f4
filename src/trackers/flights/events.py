"""Events of price watches. Only the owner of a watch reads them, because trips are private."""

from typing import Final

from shared.events import EventType, Readers
from trackers.flights.messages import ALERTED, ENDED, FAILING, RECOVERED, AlertUpdate, EndedUpdate, QueryUpdate

WATCH_ALERTED: Final = EventType(
    name=ALERTED,
    when="A price fulfils a rule of a watch.",
    payload=AlertUpdate,
    readers=Readers.OWNER,
)
WATCH_FAILING: Final = EventType(
    name=FAILING,
    when="No prices come in for a watch any more.",
    payload=QueryUpdate,
    readers=Readers.OWNER,
)
WATCH_RECOVERED: Final = EventType(
    name=RECOVERED,
    when="Prices come in for a watch again.",
    payload=QueryUpdate,
    readers=Readers.OWNER,
)
WATCH_ENDED: Final = EventType(
    name=ENDED,
    when="The trip of a watch has departed.",
    payload=EndedUpdate,
    readers=Readers.OWNER,
)
EVENTS: Final = (WATCH_ALERTED, WATCH_FAILING, WATCH_RECOVERED, WATCH_ENDED)
