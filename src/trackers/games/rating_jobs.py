"""What changes scores without a scrape: somebody joins or leaves, begins or ceases to follow, a guild rates anew.

Whoever did that need not tell. The boards are compared with what they rest on, so nothing can be lost.
"""

from collections.abc import Callable
from typing import Final

from shared.database import Database
from shared.jobs import Job
from trackers.games.services.ratings import RatingService

PEOPLE_BATCH_SIZE: Final = 500
MAX_PEOPLE_PER_RUN: Final = 20_000
"""People of one run; the next run goes on."""


class RecomputeLeaderboards:
    """Restates people of whom the boards say what is no longer so, a batch to a transaction."""

    def __init__(self, *, database: Database, service: Callable[[], RatingService]) -> None:
        self._database = database
        self._service = service

    async def recompute_outdated(self) -> int:
        """How many people were recomputed."""
        async with self._database.unit_of_work():
            outdated = await self._service().outdated(limit=MAX_PEOPLE_PER_RUN)
        for start in range(0, len(outdated), PEOPLE_BATCH_SIZE):
            async with self._database.unit_of_work():
                await self._service().recompute_people(outdated[start : start + PEOPLE_BATCH_SIZE])
        return len(outdated)


def rating_jobs(recompute: RecomputeLeaderboards) -> list[Job]:
    """A look at the boards, once a minute."""
    return [
        Job(
            name="games.recompute_leaderboards", run=recompute.recompute_outdated, timeout=120, seconds=frozenset({35})
        ),
    ]
