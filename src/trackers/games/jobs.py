"""The jobs of game trackers: start and end schedules, set priorities, remove old snapshots."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.database import Database, connection_was_lost
from shared.jobs import Job
from shared.retention import Ageing, Retention
from trackers.games.manual_repository import ManualSnapshotRepository
from trackers.games.schedule_repository import ClaimedSchedule
from trackers.games.services.priorities import TrackerPriorities
from trackers.games.services.schedules import ScheduledTrackerProcessingService
from trackers.games.snapshot_repository import SnapshotRepository

EVERY_TWO: Final = frozenset(range(0, 60, 2))
MAX_SCHEDULES_PER_RUN: Final = 200
"""Schedules to start or end in a run; the next run continues."""

Services = Callable[[], ScheduledTrackerProcessingService]
Claim = Callable[[ScheduledTrackerProcessingService, list[UUID]], Awaitable[ClaimedSchedule | None]]
Step = Callable[[ScheduledTrackerProcessingService, ClaimedSchedule], Awaitable[None]]


class ScheduleJob:
    """Starts due schedules and ends schedules whose runs are finished, each in a transaction of its own."""

    def __init__(self, *, database: Database, services: Services) -> None:
        self._database = database
        self._services = services

    async def run(self) -> int:
        """Return how many schedules started or ended. A failed one is left for the next run, until it is missed."""
        begun = await self._each(lambda s, apart: s.claim_due(apart=apart), lambda s, schedule: s.begin(schedule))
        return begun + await self._each(
            lambda s, apart: s.claim_over(apart=apart), lambda s, schedule: s.finish(schedule)
        )

    async def _each(self, claim: Claim, step: Step) -> int:
        done = 0
        apart: list[UUID] = []
        while done + len(apart) < MAX_SCHEDULES_PER_RUN:
            claimed: ClaimedSchedule | None = None
            try:
                async with self._database.unit_of_work():
                    service = self._services()
                    claimed = await claim(service, apart)
                    if claimed is None:
                        break
                    await step(service, claimed)
            except Exception as error:
                if claimed is None or connection_was_lost(error):
                    raise
                structlog.get_logger(__name__).exception("schedule_failed", schedule_id=str(claimed.id))
                apart.append(claimed.id)
                continue
            done += 1
        return done


class PriorityJob:
    """Corrects the priorities of all accounts. Changes set priorities at once; this job repairs missed ones."""

    def __init__(self, *, database: Database, priorities: Callable[[], TrackerPriorities]) -> None:
        self._database = database
        self._priorities = priorities

    async def run(self) -> None:
        """Check all accounts, page by page."""
        last: UUID | None = None
        while True:
            async with self._database.unit_of_work():
                last = await self._priorities().place_after(last)
            if last is None:
                return


def snapshot_retention(*, database: Database, clock: Clock, keep_days: int) -> Retention:
    """Return the retention of snapshots, which removes those older than the age that the operator has set."""
    snapshots = Ageing(
        what="game_snapshots",
        keep_days=keep_days,
        remove=lambda session, before, limit: SnapshotRepository(session).remove_old(before=before, limit=limit),
    )
    manual = Ageing(
        what="game_manual_snapshots",
        keep_days=keep_days,
        remove=lambda session, before, limit: ManualSnapshotRepository(session).remove_old(before=before, limit=limit),
    )
    return Retention(database=database, clock=clock, kinds=[snapshots, manual])


def games_jobs(schedules: ScheduleJob, priorities: PriorityJob, retention: Retention) -> list[Job]:
    """Return the jobs: schedules every two seconds, priorities four times an hour, removal every hour."""
    return [
        Job(name="games.run_schedules", run=schedules.run, timeout=60, seconds=EVERY_TWO),
        Job(
            name="games.set_priorities",
            run=priorities.run,
            timeout=60,
            seconds=frozenset({20}),
            minutes=frozenset({3, 18, 33, 48}),
        ),
        retention.job("games.remove_old_snapshots", minutes={27}, second=10),
    ]
