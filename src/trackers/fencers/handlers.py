"""Notify the followers of a fencer, and of the fencer's clubs, of changed registrations, by their filters."""

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.fencers.messages import CHANGED, FencerUpdate
from trackers.fencers.registration_repository import RegistrationRepository
from users.notifications.messages import Notifier, Recipient


class NotifyFollowers:
    """Notifies followers of changed registrations (an `EventHandler`)."""

    name: Final = "fencers.followers_are_told"
    events: Final = frozenset({CHANGED})

    def __init__(self, *, registrations: RegistrationRepository, notifier: Notifier) -> None:
        self._registrations = registrations
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            update = msgspec.convert(event.payload, FencerUpdate)
            followers = await self._registrations.followers(
                update.fencer_id, clubs=update.clubs, weapon=update.weapon, known_through=update.known_through
            )
            await self._notifier.notify(
                event, [Recipient(user_id=user_id, subject_id=tracked_id) for tracked_id, user_id in followers]
            )
