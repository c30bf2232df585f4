"""Putting the trackers of a guild's members ahead, unless the guild switched that off."""

from uuid import UUID

from msgspec import Struct

from shared.scraping.targets import Targets
from trackers.games.links import SOURCE
from trackers.games.schedule_repository import ScheduleRepository
from users.guilds.service import GuildService

PROCESSED_AT_ONCE = 10_000
"""Targets that one statement puts ahead."""


class PutAhead(Struct, frozen=True, kw_only=True):
    """The runs that fetch a guild's accounts now, and how many accounts were left alone."""

    runs: list[UUID]
    skipped: int = 0


class GuildProcessing:
    """What processing a guild means, whoever asks for it."""

    def __init__(self, *, members: ScheduleRepository, guilds: GuildService, targets: Targets) -> None:
        self._members = members
        self._guilds = guilds
        self._targets = targets

    async def put_ahead(self, guild_id: str) -> PutAhead:
        """Raises GuildNotFound."""
        if not (await self._guilds.settings_of(guild_id)).tracker_processing:
            return PutAhead(runs=[], skipped=await self._members.targets_in_guild(guild_id))
        runs: list[UUID] = []
        last = None
        while found := await self._members.targets_of_guild(guild_id, after=last, limit=PROCESSED_AT_ONCE):
            runs += (await self._targets.request_run(SOURCE, found)).values()
            last = found[-1]
        return PutAhead(runs=runs)
