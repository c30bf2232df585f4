"""Priority of game accounts: requested first, members of guilds next, members of disabled guilds never."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from shared.scraping.target import Priority
from shared.scraping.targets import Targets
from trackers.games.priority_repository import PriorityRepository

PRIORITY_BATCH_SIZE: Final = 10_000


class TrackerPriorities:
    """Sets the priorities of accounts by their followers: ROUTINE for members of a guild that has processing on,
    BACKGROUND for people without a guild, ON_REQUEST for people whose guilds have all switched it off. Of several
    followers, the first in this order counts.
    """

    def __init__(self, *, priorities: PriorityRepository, targets: Targets) -> None:
        self._priorities = priorities
        self._targets = targets

    async def settings_changed(self, guild_id: str) -> None:
        """Update priorities after a guild changed its settings."""
        await self._place(await self._priorities.misplaced_of_guild(guild_id))

    async def members_changed(self, user_ids: Collection[UUID]) -> None:
        """Update priorities after people joined or left a guild."""
        await self.place_followed(user_ids)

    async def place_followed(self, user_ids: Collection[UUID]) -> None:
        """Update the priorities of all accounts that these people follow."""
        await self._place(await self._priorities.misplaced_of_people(user_ids))

    async def place(self, targets: Sequence[UUID]) -> None:
        """Update the priorities of targets that gained or lost followers."""
        await self._place(await self._priorities.misplaced(targets))

    async def place_after(self, last: UUID | None) -> UUID | None:
        """Update a page of accounts after the id `last`. Return the last id of the page, None after the last page."""
        targets = await self._priorities.targets(after=last, limit=PRIORITY_BATCH_SIZE)
        await self.place(targets)
        return targets[-1] if len(targets) == PRIORITY_BATCH_SIZE else None

    async def _place(self, priorities: Mapping[UUID, Priority]) -> None:
        if priorities:
            await self._targets.set_priority(priorities)
