"""Handler of price events: notify the owner of a watch on their channels."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.flights.alert_repository import AlertRepository
from trackers.flights.messages import ALERTED, ENDED, FAILING, RECOVERED, AlertUpdate, EndedUpdate, QueryUpdate
from users.notifications.messages import Notifier, Recipient

UPDATES: Final[Mapping[str, type[AlertUpdate | QueryUpdate | EndedUpdate]]] = {
    ALERTED: AlertUpdate,
    FAILING: QueryUpdate,
    RECOVERED: QueryUpdate,
    ENDED: EndedUpdate,
}


class NotifyWatchers:
    """Notifies the owner of a watch on their own channels only, because travel plans are private."""

    name: Final = "flights.watchers_are_told"
    events: Final = frozenset({ALERTED, FAILING, RECOVERED, ENDED})

    def __init__(self, *, alerts: AlertRepository, notifier: Notifier) -> None:
        self._alerts = alerts
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            update = msgspec.convert(event.payload, UPDATES[event.event])
            if isinstance(update, AlertUpdate):
                await self._alerts.relayed(update.key, event.id, user_id=event.user_id)
            if event.user_id is not None:
                owner = Recipient(user_id=event.user_id, subject_id=update.watch_id, private=True)
                await self._notifier.notify(event, [owner])
