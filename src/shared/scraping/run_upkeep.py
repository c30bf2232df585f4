"""Upkeep of the table of runs: create monthly partitions ahead, remove old ones, and remove runs of erased targets.

This version erases targets together with their runs. The version before relies on a foreign key that no longer exists,
and its processes may keep running after an upgrade.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.database import Database
from shared.database.partitions import MonthlyPartitions
from shared.retention import FOR_EVER, Ageing, Retention
from shared.scraping.repository import ScrapingRepository
from shared.scraping.statements import RUN_AWAITED, RUN_ENDED

REMOVED_AT_ONCE: Final = 5_000
TARGETS_BATCH_SIZE: Final = 5_000
"""Targets whose existence is checked in one step; the next step continues after them."""
_FIRST: Final = UUID(int=0)


class RunUpkeep:
    """Keeps a run until it has ended, however old it is, because somebody may still ask for its task."""

    def __init__(self, *, database: Database, clock: Clock, keep_days: int) -> None:
        self._database = database
        self._clock = clock
        self._keep_days = keep_days
        self.partitions = MonthlyPartitions(
            database=database, clock=clock, table="scrape_runs", kept=RUN_AWAITED, removable=RUN_ENDED
        )
        runs = Ageing(
            what="scrape_runs", keep_days=keep_days, remove=self.partitions.remove_rows, batch_size=REMOVED_AT_ONCE
        )
        self._retention = Retention(database=database, clock=clock, kinds=[runs])
        self._checked_up_to = _FIRST

    async def run(self) -> None:
        """Run all steps, twice an hour; a step that is done already does nothing."""
        await self.partitions.make_ahead()
        await self._remove_ownerless()
        if self._keep_days != FOR_EVER:
            await self.partitions.remove_before(self._clock.now() - timedelta(days=self._keep_days))
            await self._retention.remove_old()

    async def _remove_ownerless(self) -> None:
        async with self._database.unit_of_work() as session:
            last, removed = await ScrapingRepository(session).remove_ownerless_runs(
                self._checked_up_to, targets=TARGETS_BATCH_SIZE, limit=REMOVED_AT_ONCE
            )
        if removed < REMOVED_AT_ONCE:  # otherwise these targets may have more runs
            self._checked_up_to = last or _FIRST
        if removed:
            structlog.get_logger(__name__).info("ownerless_runs_removed", rows=removed)
