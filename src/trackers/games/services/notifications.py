"""Telling what moved: an event per account, in the transaction of the change; who follows it is told through it."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from shared.events import Event, EventType, NewEvent
from shared.outbox.outbox import Outbox
from trackers.games.events import ACCOUNT_CHANGED, ACCOUNT_UNREACHABLE, PROCESSING_FINISHED
from trackers.games.messages import CHANGED, UNREACHABLE, AccountUpdate
from trackers.games.repository import TrackerRepository
from users.notifications.messages import Notifier, Recipient

FOLLOWERS_AT_ONCE: Final = 5_000


class TrackerNotificationService:
    """Publishes what moved, and what cannot be looked at any more."""

    def __init__(self, *, outbox: Outbox) -> None:
        self._outbox = outbox

    async def notify_tracker_update(self, news: Sequence[AccountUpdate], *, keys: Mapping[UUID, str]) -> None:
        """Publish what changed in the accounts of trackers; `keys`: account id -> the key of its event."""
        await self._publish(ACCOUNT_CHANGED, news, keys)

    async def notify_unreachable(self, news: Sequence[AccountUpdate], *, keys: Mapping[UUID, str]) -> None:
        """Publish what cannot be looked at any more, and why."""
        await self._publish(ACCOUNT_UNREACHABLE, news, keys)

    async def _publish(self, event: EventType, news: Sequence[AccountUpdate], keys: Mapping[UUID, str]) -> None:
        ordered = sorted(news, key=lambda told: told.account_id)
        await self._outbox.publish(
            *(
                NewEvent(
                    event=event,
                    aggregate=f"game_account:{told.account_id}",
                    payload=told,
                    key=keys[told.account_id],
                )
                for told in ordered
            )
        )


class NotifyFollowers:
    """Handles these events: everybody who follows the account has it told on their channels."""

    name: Final = "games.followers_are_told"
    events: Final = frozenset({CHANGED, UNREACHABLE})

    def __init__(self, *, trackers: TrackerRepository, notifier: Notifier) -> None:
        self._trackers = trackers
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            account_id = msgspec.convert(event.payload, AccountUpdate).account_id
            last = None
            while followers := await self._trackers.followers(account_id, after=last, limit=FOLLOWERS_AT_ONCE):
                recipients = [Recipient(user_id=user_id, subject_id=tracker_id) for tracker_id, user_id in followers]
                await self._notifier.notify(event, recipients)
                last = followers[-1][0]


class NotifyProcessingFinished:
    """Handles the end of a scheduled processing: what it found is told now to who prefers to hear it at once."""

    name: Final = "games.processed_is_told"
    events: Final = frozenset({PROCESSING_FINISHED.name})

    def __init__(self, *, notifier: Notifier) -> None:
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            await self._notifier.release(event.aggregate.partition(":")[2])
