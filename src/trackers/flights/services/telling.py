"""Handling the events of prices: who watches has them told on their channels."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from shared.outbox.events import Event
from trackers.flights.news import ALERTED, ENDED, FAILING, RECOVERED, AlertNews, EndedNews, QueryNews
from trackers.flights.price_repository import PriceRepository
from users.notifications.messages import Notifier, Recipient

WATCHERS_AT_ONCE: Final = 5_000


class WatchersAreTold:
    """An alert is told to whose watch it is; that a search fails, to everybody who watches it."""

    name: Final = "flights.watchers_are_told"
    events: Final = frozenset({ALERTED, FAILING, RECOVERED, ENDED})

    def __init__(self, *, prices: PriceRepository, notifier: Notifier) -> None:
        self._prices = prices
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.event == ALERTED:
                news = msgspec.convert(event.payload, AlertNews)
                await self._prices.relayed(news.key, event.id)
                await self._tell_owner(event, news.watch_id)
            elif event.event == ENDED:
                await self._tell_owner(event, msgspec.convert(event.payload, EndedNews).watch_id)
            else:
                await self._tell_watchers(event, msgspec.convert(event.payload, QueryNews).query_id)

    async def _tell_owner(self, event: Event, watch_id: UUID) -> None:
        if event.user_id is not None:
            await self._notifier.notify(event, [Recipient(user_id=event.user_id, subject_id=watch_id)])

    async def _tell_watchers(self, event: Event, query_id: UUID) -> None:
        """Somebody with several watches of one search is told once."""
        last: UUID | None = None
        told: set[UUID] = set()
        while watchers := await self._prices.watchers(query_id, after=last, limit=WATCHERS_AT_ONCE):
            first = {user_id: watch_id for watch_id, user_id in reversed(watchers) if user_id not in told}
            await self._notifier.notify(
                event, [Recipient(user_id=user_id, subject_id=watch_id) for user_id, watch_id in sorted(first.items())]
            )
            told |= first.keys()
            last = watchers[-1][0]
