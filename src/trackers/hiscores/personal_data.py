"""Personal data in the hiscores: players that a person follows or has added."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from trackers.hiscores.follows import FollowRepository


class PlayerExport(Struct, frozen=True, kw_only=True):
    """A player that the person follows or has added, without its history, which everybody may read."""

    username: str
    display_name: str
    mode: str
    followed_at: datetime | None
    added: bool | None
    removed_at: datetime | None


class HiscoresPersonalData:
    """A personal data provider. Players stay after an erasure: others read them, and they do not name the person."""

    name: Final = "players"

    def __init__(self, *, follows: FollowRepository) -> None:
        self._follows = follows

    async def export(self, user_id: UUID) -> list[PlayerExport]:
        return msgspec.convert(await self._follows.everything_of(user_id), list[PlayerExport])

    async def erase(self, user_id: UUID) -> None:
        await self._follows.erase(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self._follows.hand_over(user_id, to=to)
