"""Publishes events of accounts in the transaction of the change, and notifies followers when they are handled."""

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
    """Publishes changed accounts, and accounts that cannot be fetched any more."""

    def __init__(self, *, outbox: Outbox) -> None:
        self._outbox = outbox

    async def notify_tracker_update(self, updates: Sequence[AccountUpdate], *, keys: Mapping[UUID, str]) -> None:
        """Publish changes of accounts; `keys`: account id -> key of its event."""
        await self._publish(ACCOUNT_CHANGED, updates, keys)

    async def notify_unreachable(self, updates: Sequence[AccountUpdate], *, keys: Mapping[UUID, str]) -> None:
        """Publish accounts that cannot be fetched any more, with the reason; `keys` as above."""
        await self._publish(ACCOUNT_UNREACHABLE, updates, keys)

    async def _publish(self, event: EventType, updates: Sequence[AccountUpdate], keys: Mapping[UUID, str]) -> None:
        ordered = sorted(updates, key=lambda update: update.account_id)
        await self._outbox.publish(
            *(
                NewEvent(
                    event=event,
                    aggregate=f"game_account:{update.account_id}",
                    payload=update,
                    key=keys[update.account_id],
                )
                for update in ordered
            )
        )


class NotifyFollowers:
    """Handles events of accounts: notifies all followers on their channels."""

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
    """Handles the end of a scheduled processing: releases the messages of members who want immediate messages."""

    name: Final = "games.processed_is_told"
    events: Final = frozenset({PROCESSING_FINISHED.name})

    def __init__(self, *, notifier: Notifier) -> None:
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            await self._notifier.release(event.aggregate.partition(":")[2])
