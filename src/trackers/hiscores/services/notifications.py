"""Followers are told what players reached, and what became of them."""

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.events import Event
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.messages import PROGRESSED, TOLD, PlayerUpdate
from users.notifications.messages import Notifier, Recipient

FOLLOWERS_AT_ONCE: Final = 5_000


class NotifyFollowers:
    """Handles these events: everybody who follows the player has it told on their channels."""

    name: Final = "hiscores.followers_are_told"
    events: Final = TOLD

    def __init__(self, *, follows: FollowRepository, notifier: Notifier) -> None:
        self._follows = follows
        self._notifier = notifier

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            news = msgspec.convert(event.payload, PlayerUpdate)
            if event.event == PROGRESSED and not news.worth_telling:
                continue
            last = None
            while followers := await self._follows.followers(news.player_id, after=last, limit=FOLLOWERS_AT_ONCE):
                await self._notifier.notify(
                    event, [Recipient(user_id=user_id, subject_id=news.player_id) for user_id in followers]
                )
                last = followers[-1]
