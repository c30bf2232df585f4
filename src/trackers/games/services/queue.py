"""The scraping queue: boosts accounts, that is, requests runs of them that come before all routine fetches."""

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
    """Requests runs ahead of routine fetches: of one tracker, of all pending trackers, or of those of a guild."""

    def __init__(
        self, *, trackers: TrackerRepository, targets: Targets, guilds: GuildProcessing, access: AccessPolicy
    ) -> None:
        self._trackers = trackers
        self._targets = targets
        self._guilds = guilds
        self._access = access

    async def enqueue_tracker(self, tracker_id: UUID) -> UUID:
        """Request a run of a tracker and return its task id; a pending or running one is not requested again.

        Raises TrackerNotFound.
        """
        target_id = (await self._trackers.followed(tracker_id)).target_id
        tasks = await self._targets.request_run(SOURCE, [target_id])
        if target_id in tasks:
            return tasks[target_id]
        if (await self._trackers.followed(tracker_id)).target_id == target_id:
            raise TrackerNotFound(tracker_id)
        return await self.enqueue_tracker(tracker_id)  # the account was merged in between

    async def process_pending_trackers(self, *, asker: Identity | None = None) -> int:
        """Request runs of trackers that were never fetched, wait for a run or are dead letters.

        Returns the number of accounts.

        Raises Forbidden if the caller may not act for everybody.
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
        """Request runs of the accounts that a guild's members follow; none if the guild switched processing off.

        Raises GuildNotFound.
        """
        if asker is not None:
            await self._access.check_guild_write(asker, guild_id)
        ahead = await self._guilds.put_ahead(guild_id)
        return GuildProcessingStarted(queued=len(ahead.runs), skipped=ahead.skipped)
