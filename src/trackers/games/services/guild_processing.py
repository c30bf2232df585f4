"""Fetches the accounts that members of a guild follow sooner, unless the guild switched processing off."""

from uuid import UUID

from msgspec import Struct

from shared.scraping.targets import Targets
from trackers.games.links import SOURCE
from trackers.games.schedule_repository import ScheduleRepository
from users.guilds.service import GuildService

PROCESSED_AT_ONCE = 10_000
"""Number of targets whose runs one statement requests."""


class PutAhead(Struct, frozen=True, kw_only=True):
    """The runs of a guild's accounts, and the number of skipped accounts."""

    runs: list[UUID]
    skipped: int = 0


class GuildProcessing:
    """Processing of a guild, both on request and scheduled."""

    def __init__(self, *, members: ScheduleRepository, guilds: GuildService, targets: Targets) -> None:
        self._members = members
        self._guilds = guilds
        self._targets = targets

    async def put_ahead(self, guild_id: str) -> PutAhead:
        """Request runs of the accounts that a guild's members follow, ahead of routine fetches. Raises GuildNotFound.

        If the guild switched processing off, all of them are skipped.
        """
        if not (await self._guilds.settings_of(guild_id)).tracker_processing:
            return PutAhead(runs=[], skipped=await self._members.targets_in_guild(guild_id))
        runs: list[UUID] = []
        last = None
        while targets := await self._members.targets_of_guild(guild_id, after=last, limit=PROCESSED_AT_ONCE):
            runs += (await self._targets.request_run(SOURCE, targets)).values()
            last = targets[-1]
        return PutAhead(runs=runs)
