"""The table of runs is kept in shape: months are made ahead, and go once they are past their age."""

from datetime import timedelta
from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.database.partitions import MonthlyPartitions
from shared.retention import FOR_EVER, Ageing, Retention
from shared.scraping.statements import RUN_AWAITED, RUN_ENDED

REMOVED_AT_ONCE: Final = 5_000


class RunUpkeep:
    """A run whose task somebody may still ask for stays until it has ended, however old it is."""

    def __init__(self, *, database: Database, clock: Clock, keep_days: int) -> None:
        self._clock = clock
        self._keep_days = keep_days
        self.partitions = MonthlyPartitions(
            database=database, clock=clock, table="scrape_runs", kept=RUN_AWAITED, removable=RUN_ENDED
        )
        runs = Ageing(
            what="scrape_runs", keep_days=keep_days, remove=self.partitions.remove_rows, at_once=REMOVED_AT_ONCE
        )
        self._retention = Retention(database=database, clock=clock, kinds=[runs])

    async def run(self) -> None:
        """Twice an hour; every step finds nothing to do when it was done."""
        await self.partitions.make_ahead()
        if self._keep_days != FOR_EVER:
            await self.partitions.remove_before(self._clock.now() - timedelta(days=self._keep_days))
            await self._retention.remove_old()
