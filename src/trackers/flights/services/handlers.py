"""Handling the events of prices: whose watch it is has them told on their channels."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.flights.alert_repository import AlertRepository
from trackers.flights.messages import ALERTED, ENDED, FAILING, RECOVERED, AlertUpdate, EndedUpdate, QueryUpdate
from users.notifications.messages import Notifier, Recipient

NEWS: Final[Mapping[str, type[AlertUpdate | QueryUpdate | EndedUpdate]]] = {
    ALERTED: AlertUpdate,
    FAILING: QueryUpdate,
    RECOVERED: QueryUpdate,
    ENDED: EndedUpdate,
}


class NotifyWatchers:
    """Whose watch an event is about has it told on their own channels: where they want to go is nobody else's."""

    name: Final = "flights.watchers_are_told"
    events: Final = frozenset({ALERTED, FAILING, RECOVERED, ENDED})

    def __init__(self, *, alerts: AlertRepository, notifier: Notifier) -> None:
        self._alerts = alerts
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            news = msgspec.convert(event.payload, NEWS[event.event])
            if isinstance(news, AlertUpdate):
                await self._alerts.relayed(news.key, event.id, user_id=event.user_id)
            if event.user_id is not None:
                whose = Recipient(user_id=event.user_id, subject_id=news.watch_id, private=True)
                await self._notifier.notify(event, [whose])
