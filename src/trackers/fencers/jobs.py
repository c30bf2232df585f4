"""Jobs of fencers and clubs: invalidate old pages, and remove old changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.retention import Ageing, Retention
from shared.scraping.targets import Targets
from trackers.fencers.registration_repository import RegistrationRepository
from trackers.fencers.repository import TrackedRepository

BATCH_SIZE: Final = 500
MAX_BATCHES: Final = 20


class PageUpkeep:
    """Invalidates old pages; each batch is a transaction."""

    def __init__(
        self, *, database: Database, targets: Callable[[], Targets], clock: Clock, max_age_hours: float
    ) -> None:
        self._database = database
        self._targets = targets
        self._clock = clock
        self._max_age = timedelta(hours=max_age_hours)

    async def invalidate_old_pages(self) -> int:
        """Have the next fetch of old pages compared even if the page is the same; return the number of pages."""
        return await self._database.in_batches(self._mark, size=BATCH_SIZE, most=MAX_BATCHES)

    async def _mark(self, session: AsyncSession) -> int:
        stale = await TrackedRepository(session).stale(before=self._clock.now() - self._max_age, limit=BATCH_SIZE)
        if stale:
            await self._targets().invalidate(stale)
        return len(stale)


def change_retention(*, database: Database, clock: Clock, keep_days: int) -> Retention:
    """Retention of changes of registrations; the registrations themselves stay."""
    changes = Ageing(
        what="fencing_changes",
        keep_days=keep_days,
        remove=lambda session, before, limit: RegistrationRepository(session).remove_old_changes(
            before=before, limit=limit
        ),
    )
    return Retention(database=database, clock=clock, kinds=[changes])


def fencers_jobs(upkeep: PageUpkeep, retention: Retention) -> list[Job]:
    return [
        Job(
            name="fencers.invalidate_old_pages",
            run=upkeep.invalidate_old_pages,
            timeout=60,
            seconds=frozenset({25}),
            minutes=frozenset(range(4, 60, 10)),
        ),
        retention.job("fencers.remove_old_changes", minutes={23}, second=55),
    ]
