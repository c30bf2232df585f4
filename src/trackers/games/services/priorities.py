"""Whose accounts are looked at before whose, and whose not at all."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from shared.scraping.target import Priority
from shared.scraping.targets import Targets
from trackers.games.priority_repository import PriorityRepository

PRIORITY_BATCH_SIZE: Final = 10_000


class TrackerPriorities:
    """Keeps accounts in their priorities: ROUTINE for members of a guild that has processing on, BACKGROUND for people of no
    guild, ON_REQUEST for those all of whose guilds switched it off. Of several people who follow one, the first in this
    order counts.
    """

    def __init__(self, *, priorities: PriorityRepository, targets: Targets) -> None:
        self._priorities = priorities
        self._targets = targets

    async def settings_changed(self, guild_id: str) -> None:
        """A guild settled something anew."""
        await self._place(await self._priorities.misplaced_of_guild(guild_id))

    async def members_changed(self, user_ids: Collection[UUID]) -> None:
        """People joined a guild or left one."""
        await self.place_followed(user_ids)

    async def place_followed(self, user_ids: Collection[UUID]) -> None:
        """Look at what these people follow now."""
        await self._place(await self._priorities.misplaced_of_people(user_ids))

    async def place(self, targets: Sequence[UUID]) -> None:
        """Look at these, which somebody began or ceased to follow."""
        await self._place(await self._priorities.misplaced(targets))

    async def place_after(self, last: UUID | None) -> UUID | None:
        """Look through accounts from after one on; where to go on, None at the end."""
        targets = await self._priorities.targets(after=last, limit=PRIORITY_BATCH_SIZE)
        await self.place(targets)
        return targets[-1] if len(targets) == PRIORITY_BATCH_SIZE else None

    async def _place(self, priorities: Mapping[UUID, Priority]) -> None:
        if priorities:
            await self._targets.set_priority(priorities)
