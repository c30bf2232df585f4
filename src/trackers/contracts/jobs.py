"""The jobs of contracts: regions follow the settings, old rows go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from trackers.contracts.region_repository import RegionRepository
from trackers.contracts.repository import ContractRepository
from trackers.contracts.run_repository import RunRepository
from trackers.contracts.services.regions import RegionService
from trackers.contracts.settings import ContractsSettings

EVERY_TEN: Final = frozenset(range(4, 60, 10))
REMOVED_AT_ONCE: Final = 2_000
MOST_BATCHES: Final = 50
REJECTS_KEPT: Final = timedelta(days=30)


class FollowJob:
    """Looks whether the regions that are looked at are those of the settings."""

    def __init__(self, *, database: Database, regions: Callable[[], RegionService], enabled: bool) -> None:
        self._database = database
        self._regions = regions
        self._enabled = enabled

    async def run(self) -> None:
        if not self._enabled:
            return
        async with self._database.unit_of_work():
            changed = await self._regions().follow_configured()
        if changed:
            structlog.get_logger(__name__).info("regions_followed")


class CleaningJob:
    """Removes contracts that ended long ago, old runs and old rejects, and regions that were dropped and are empty now;
    a bounded number at once.
    """

    def __init__(self, *, database: Database, clock: Clock, settings: ContractsSettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def run(self) -> int:
        """How many rows went."""
        now, size, most = self._clock.now(), REMOVED_AT_ONCE, MOST_BATCHES
        ended = now - timedelta(days=self._settings.ended_keep_days)
        runs = now - timedelta(days=self._settings.runs_keep_days)
        steps = (
            lambda s: ContractRepository(s).remove_ended(before=ended, limit=size),
            lambda s: ContractRepository(s).remove_rejects(before=now - REJECTS_KEPT, limit=size),
            lambda s: RunRepository(s).remove_old(before=runs, limit=size),
            lambda s: RegionRepository(s).remove_left(),
        )
        return sum([await self._database.in_batches(step, size=size, most=most) for step in steps])


def contracts_jobs(follow: FollowJob, cleaning: CleaningJob) -> list[Job]:
    """Regions every ten seconds, cleaning twice an hour."""
    return [
        Job(name="contracts.follow_regions", run=follow.run, timeout=20, seconds=EVERY_TEN),
        Job(
            name="contracts.remove_old",
            run=cleaning.run,
            timeout=60,
            seconds=frozenset({40}),
            minutes=frozenset({13, 43}),
        ),
    ]
