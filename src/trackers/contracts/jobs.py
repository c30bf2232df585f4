"""Jobs of contracts: follow the configured regions, and remove old rows."""

from collections.abc import Callable
from typing import Final

import structlog

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.retention import Ageing, Retention
from trackers.contracts.region_repository import RegionRepository
from trackers.contracts.repository import ContractRepository
from trackers.contracts.run_repository import RunRepository
from trackers.contracts.services.regions import RegionService
from trackers.contracts.settings import ContractsSettings

EVERY_TEN: Final = frozenset(range(4, 60, 10))


class FollowJob:
    """Follows the regions of the settings and stops following others."""

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


def contract_retention(*, database: Database, clock: Clock, settings: ContractsSettings) -> Retention:
    """Retention of ended contracts, of dropped regions that are empty by then, of rejected rows and of runs."""
    ended = Ageing(
        what="contracts",
        keep_days=settings.ended_keep_days,
        remove=lambda session, before, limit: ContractRepository(session).remove_ended(before=before, limit=limit),
    )
    regions = Ageing(
        what="contract_regions",
        keep_days=settings.ended_keep_days,
        remove=lambda session, _before, _limit: RegionRepository(session).remove_left(),
    )
    rejects = Ageing(
        what="contract_rejects",
        keep_days=settings.rejects_keep_days,
        remove=lambda session, before, limit: ContractRepository(session).remove_rejects(before=before, limit=limit),
    )
    runs = Ageing(
        what="contract_runs",
        keep_days=settings.runs_keep_days,
        remove=lambda session, before, limit: RunRepository(session).remove_old(before=before, limit=limit),
    )
    return Retention(database=database, clock=clock, kinds=[ended, regions, rejects, runs])


def contracts_jobs(follow: FollowJob, retention: Retention) -> list[Job]:
    """Jobs: follow regions every ten seconds, remove old rows twice an hour."""
    return [
        Job(name="contracts.follow_regions", run=follow.run, timeout=20, seconds=EVERY_TEN),
        retention.job("contracts.remove_old", minutes={13, 43}, second=40),
    ]
