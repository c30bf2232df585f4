"""The job that recomputes scores after changes without a scrape: of members, of trackers, or of a guild's formula.

These changes need no notification: the job compares leaderboards with the data that they depend on, so none is missed.
"""

from collections.abc import Callable
from typing import Final

from shared.database import Database
from shared.jobs import Job
from trackers.games.services.ratings import RatingService

PEOPLE_BATCH_SIZE: Final = 500
MAX_PEOPLE_PER_RUN: Final = 20_000
"""People of a run; the next run continues."""


class RecomputeLeaderboards:
    """Recomputes people whose scores are outdated, each batch in a transaction of its own."""

    def __init__(self, *, database: Database, service: Callable[[], RatingService]) -> None:
        self._database = database
        self._service = service

    async def recompute_outdated(self) -> int:
        """Return how many people were recomputed."""
        async with self._database.unit_of_work():
            outdated = await self._service().outdated(limit=MAX_PEOPLE_PER_RUN)
        for start in range(0, len(outdated), PEOPLE_BATCH_SIZE):
            async with self._database.unit_of_work():
                await self._service().recompute_people(outdated[start : start + PEOPLE_BATCH_SIZE])
        return len(outdated)


def rating_jobs(recompute: RecomputeLeaderboards) -> list[Job]:
    """Return the job that recomputes outdated leaderboards, once a minute."""
    return [
        Job(
            name="games.recompute_leaderboards", run=recompute.recompute_outdated, timeout=120, seconds=frozenset({35})
        ),
    ]
