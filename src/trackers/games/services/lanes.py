"""Whose accounts are looked at before whose, and whose not at all."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from shared.scraping.target import Lane
from shared.scraping.targets import Targets
from trackers.games.lane_repository import LaneRepository

PLACED_AT_ONCE: Final = 10_000


class TrackerLanes:
    """Keeps accounts in their lanes: ROUTINE for members of a guild that has processing on, UNHURRIED for people of no
    guild, PAUSED for those all of whose guilds switched it off. Of several people who follow one, the first in this
    order counts.
    """

    def __init__(self, *, lanes: LaneRepository, targets: Targets) -> None:
        self._lanes = lanes
        self._targets = targets

    async def settings_changed(self, guild_id: str) -> None:
        """A guild settled something anew."""
        await self._place(await self._lanes.misplaced_of_guild(guild_id))

    async def members_changed(self, user_ids: Collection[UUID]) -> None:
        """People joined a guild or left one."""
        await self.place_followed(user_ids)

    async def place_followed(self, user_ids: Collection[UUID]) -> None:
        """Look at what these people follow now."""
        await self._place(await self._lanes.misplaced_of_people(user_ids))

    async def place(self, targets: Sequence[UUID]) -> None:
        """Look at these, which somebody began or ceased to follow."""
        await self._place(await self._lanes.misplaced(targets))

    async def place_after(self, last: UUID | None) -> UUID | None:
        """Look through accounts from after one on; where to go on, None at the end."""
        targets = await self._lanes.targets(after=last, limit=PLACED_AT_ONCE)
        await self.place(targets)
        return targets[-1] if len(targets) == PLACED_AT_ONCE else None

    async def _place(self, lanes: Mapping[UUID, Lane]) -> None:
        if lanes:
            await self._targets.place(lanes)
