"""Putting trackers ahead of the rest."""

from uuid import UUID

from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.games.errors import TrackerNotFound
from trackers.games.links import SOURCE
from trackers.games.repository import TrackerRepository
from users.access import AccessPolicy

PROCESSED_AT_ONCE = 10_000
"""Targets that one statement puts ahead."""


class TrackerScrapingQueueService:
    """Putting trackers ahead of the rest."""

    def __init__(self, *, trackers: TrackerRepository, targets: Targets, access: AccessPolicy) -> None:
        self._trackers = trackers
        self._targets = targets
        self._access = access

    async def enqueue_tracker(self, tracker_id: UUID, *, asker: Identity | None = None) -> UUID:
        """Fetch one tracker now; the task to ask about. While one waits or is under way, that same task.

        Raises TrackerNotFound for one that is not there or was removed, Forbidden for somebody else's.
        """
        found = await self._trackers.target_of(tracker_id)
        if found is None:
            raise TrackerNotFound(tracker_id)
        target_id, owner = found
        if asker is not None:
            await self._access.check_write(asker, owner)
        tasks = await self._targets.look_now(SOURCE, [target_id])
        if target_id not in tasks:
            raise TrackerNotFound(tracker_id)
        return tasks[target_id]

    async def process_pending_trackers(self, *, asker: Identity | None = None) -> int:
        """Put every tracker ahead that was never fetched, waits to be, or was given up; how many accounts those are.

        Raises Forbidden for who may not do that for everybody.
        """
        if asker is not None:
            self._access.check_everybody(asker)
        queued = 0
        last = None
        while pending := await self._trackers.pending_targets(after=last, limit=PROCESSED_AT_ONCE):
            await self._targets.look_now(SOURCE, pending)
            queued, last = queued + len(pending), pending[-1]
        return queued
