"""Messages to followers about players."""

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.messages import PROGRESSED, TOLD, PlayerUpdate
from users.notifications.messages import Notifier, Recipient

FOLLOWERS_AT_ONCE: Final = 5_000


class NotifyFollowers:
    """Notifies the followers of a player about these events, on their channels."""

    name: Final = "hiscores.followers_are_told"
    events: Final = TOLD

    def __init__(self, *, follows: FollowRepository, notifier: Notifier) -> None:
        self._follows = follows
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            update = msgspec.convert(event.payload, PlayerUpdate)
            if event.event == PROGRESSED and not update.worth_telling:
                continue
            last = None
            while followers := await self._follows.followers(update.player_id, after=last, limit=FOLLOWERS_AT_ONCE):
                await self._notifier.notify(
                    event, [Recipient(user_id=user_id, subject_id=update.player_id) for user_id in followers]
                )
                last = followers[-1]
