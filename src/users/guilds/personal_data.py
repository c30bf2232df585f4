"""What guilds hold about a person: where they are a member."""

from typing import Final
from uuid import UUID

from shared.clock import Clock
from users.guilds.repository import GuildRepository
from users.guilds.schemas import Membership


class GuildPersonalData:
    """A person's memberships, to be shown, erased, or handed over when two accounts turn out to be one person."""

    name: Final = "guilds"

    def __init__(self, *, guilds: GuildRepository, clock: Clock) -> None:
        self._guilds = guilds
        self._clock = clock

    async def export(self, user_id: UUID) -> list[Membership]:
        return await self._guilds.memberships_of(user_id)

    async def erase(self, user_id: UUID) -> None:
        await self._guilds.leave_all(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Where both are members, the other stays one, and an admin if either was.

        Other memberships begin now for the other person, so that a guild reads none of their older events; a guild's
        key that made the emptied account known does not speak for the other person by that.
        """
        await self._guilds.hand_over(user_id, to=to, now=self._clock.now())
