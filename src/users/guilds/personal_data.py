"""Personal data of guilds: a person's memberships."""

from typing import Final
from uuid import UUID

from shared.clock import Clock
from users.guilds.repository import GuildRepository
from users.guilds.schemas import Membership


class GuildPersonalData:
    """Exports, erases and hands over a person's memberships."""

    name: Final = "guilds"

    def __init__(self, *, guilds: GuildRepository, clock: Clock) -> None:
        self._guilds = guilds
        self._clock = clock

    async def export(self, user_id: UUID) -> list[Membership]:
        return await self._guilds.memberships_of(user_id)

    async def erase(self, user_id: UUID) -> None:
        await self._guilds.leave_all(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move memberships to another account of the same person.

        In a guild of both accounts, the destination stays a member, and is an admin if either was. Other memberships of
        the source begin now for the destination, so that a guild reads none of its older events. A membership that was
        confirmed only because a guild's key created the source is not confirmed for the destination.
        """
        await self._guilds.hand_over(user_id, to=to, now=self._clock.now())
