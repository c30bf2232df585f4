"""What the hiscores do by themselves besides looking: gains of long past periods go."""

from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from trackers.hiscores.record_repository import RecordRepository

REMOVED_AT_ONCE: Final = 5_000
MOST_BATCHES: Final = 100


class GainRetention:
    """Removes gains of periods before the last one; the best of them were kept elsewhere."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def remove_old(self) -> int:
        """How many went."""
        today = self._clock.now().date()
        return await self._database.in_batches(
            lambda session: RecordRepository(session).remove_old_gains(today=today, limit=REMOVED_AT_ONCE),
            size=REMOVED_AT_ONCE,
            most=MOST_BATCHES,
        )


def hiscore_jobs(retention: GainRetention) -> list[Job]:
    """Every hour."""
    return [
        Job(
            name="hiscores.remove_old_gains",
            run=retention.remove_old,
            timeout=120,
            seconds=frozenset({20}),
            minutes=frozenset({23}),
        )
    ]
