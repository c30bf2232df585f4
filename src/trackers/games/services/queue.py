"""Putting trackers ahead of the rest."""

from uuid import UUID

from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.games.errors import TrackerNotFound
from trackers.games.links import SOURCE
from trackers.games.repository import TrackerRepository
from trackers.games.schedule_schemas import GuildProcessingStarted
from trackers.games.services.guild_processing import PROCESSED_AT_ONCE, GuildProcessing
from users.access import AccessPolicy


class TrackerScrapingQueueService:
    """Putting trackers ahead of the rest."""

    def __init__(
        self, *, trackers: TrackerRepository, targets: Targets, guilds: GuildProcessing, access: AccessPolicy
    ) -> None:
        self._trackers = trackers
        self._targets = targets
        self._guilds = guilds
        self._access = access

    async def enqueue_tracker(self, tracker_id: UUID) -> UUID:
        """Fetch a tracker now; the task to ask about. While one waits or is under way, that same task.

        Raises TrackerNotFound.
        """
        target_id = (await self._trackers.followed(tracker_id)).target_id
        tasks = await self._targets.request_run(SOURCE, [target_id])
        if target_id in tasks:
            return tasks[target_id]
        if (await self._trackers.followed(tracker_id)).target_id == target_id:
            raise TrackerNotFound(tracker_id)
        return await self.enqueue_tracker(tracker_id)  # its account was merged meanwhile

    async def process_pending_trackers(self, *, asker: Identity | None = None) -> int:
        """Put every tracker ahead that was never fetched, waits to be, or was given up; how many accounts those are.

        Raises Forbidden for who may not do that for everybody.
        """
        if asker is not None:
            self._access.check_everybody(asker)
        queued = 0
        last = None
        while pending := await self._trackers.pending_targets(after=last, limit=PROCESSED_AT_ONCE):
            await self._targets.request_run(SOURCE, pending)
            queued, last = queued + len(pending), pending[-1]
        return queued

    async def process_trackers_for_guild(
        self, guild_id: str, *, asker: Identity | None = None
    ) -> GuildProcessingStarted:
        """Put ahead what the members of a guild follow; all of it is skipped where the guild switched processing off.

        Raises GuildNotFound.
        """
        if asker is not None:
            await self._access.check_guild_write(asker, guild_id)
        ahead = await self._guilds.put_ahead(guild_id)
        return GuildProcessingStarted(queued=len(ahead.runs), skipped=ahead.skipped)
