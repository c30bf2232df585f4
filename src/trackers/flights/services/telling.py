"""Handling the events of prices: whose watch it is has them told on their channels."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.flights.alert_repository import AlertRepository
from trackers.flights.news import ALERTED, ENDED, FAILING, RECOVERED, AlertNews, EndedNews, QueryNews
from users.notifications.messages import Notifier, Recipient

NEWS: Final[Mapping[str, type[AlertNews | QueryNews | EndedNews]]] = {
    ALERTED: AlertNews,
    FAILING: QueryNews,
    RECOVERED: QueryNews,
    ENDED: EndedNews,
}


class WatchersAreTold:
    """Whose watch an event is about has it told on their own channels: where they want to go is nobody else's."""

    name: Final = "flights.watchers_are_told"
    events: Final = frozenset({ALERTED, FAILING, RECOVERED, ENDED})

    def __init__(self, *, alerts: AlertRepository, notifier: Notifier) -> None:
        self._alerts = alerts
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            news = msgspec.convert(event.payload, NEWS[event.event])
            if isinstance(news, AlertNews):
                await self._alerts.relayed(news.key, event.id, user_id=event.user_id)
            if event.user_id is not None:
                whose = Recipient(user_id=event.user_id, subject_id=news.watch_id, private=True)
                await self._notifier.notify(event, [whose])
