"""Who is told what became known: everybody who follows the fencer or a club of theirs, by their filters."""

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.fencers.messages import CHANGED, FencerUpdate
from trackers.fencers.registration_repository import RegistrationRepository
from users.notifications.messages import Notifier, Recipient


class NotifyFollowers:
    """An EventHandler."""

    name: Final = "fencers.followers_are_told"
    events: Final = frozenset({CHANGED})

    def __init__(self, *, registrations: RegistrationRepository, notifier: Notifier) -> None:
        self._registrations = registrations
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            news = msgspec.convert(event.payload, FencerUpdate)
            followers = await self._registrations.followers(
                news.fencer_id, clubs=news.clubs, weapon=news.weapon, known_through=news.known_through
            )
            await self._notifier.notify(
                event, [Recipient(user_id=user_id, subject_id=tracked_id) for tracked_id, user_id in followers]
            )
