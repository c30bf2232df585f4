"""Jobs of the hiscores that remove gains of past periods and old records."""

from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.retention import Ageing, Retention
from trackers.hiscores.record_repository import RecordRepository

REMOVED_AT_ONCE: Final = 5_000
MAX_BATCHES: Final = 100


class GainRetention:
    """Removes gains of periods before the last one; the best periods have a table of their own."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def remove_old(self) -> int:
        """Remove old gains in batches and return their number."""
        today = self._clock.now().date()
        return await self._database.in_batches(
            lambda session: RecordRepository(session).remove_old_gains(today=today, limit=REMOVED_AT_ONCE),
            size=REMOVED_AT_ONCE,
            most=MAX_BATCHES,
        )


def record_retention(*, database: Database, clock: Clock, keep_days: int) -> Retention:
    """Return the retention of records; with `keep_days` 0 no record is removed."""
    records = Ageing(
        what="hiscore_records",
        keep_days=keep_days,
        remove=lambda session, before, limit: RecordRepository(session).remove_old(before=before, limit=limit),
    )
    return Retention(database=database, clock=clock, kinds=[records])


def hiscore_jobs(gains: GainRetention, records: Retention) -> list[Job]:
    """Return the hourly jobs of the hiscores."""
    return [
        Job(
            name="hiscores.remove_old_gains",
            run=gains.remove_old,
            timeout=120,
            seconds=frozenset({20}),
            minutes=frozenset({23}),
        ),
        records.job("hiscores.remove_old_records", minutes={47}, second=10),
    ]
