"""Old entries go by age, in batches."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.repository import ActivityRepository, AuditRepository
from shared.clock import Clock
from shared.database import Database
from shared.ids import new_id
from shared.jobs import Job

REMOVED_AT_ONCE: Final = 5_000
MOST_BATCHES: Final = 20
"""Batches of each log in one run; the next run goes on."""


class Retention:
    """Removes what is past its age; each batch is a transaction."""

    def __init__(self, *, database: Database, clock: Clock, audit_keep_days: int, activity_keep_days: int) -> None:
        self._database = database
        self._clock = clock
        self._audit_keep = timedelta(days=audit_keep_days)
        self._activity_keep = timedelta(days=activity_keep_days)

    async def remove_old_entries(self) -> int:
        """How many entries of both logs went."""
        requests = await self._remove(AuditRepository, self._audit_keep)
        return requests + await self._remove(ActivityRepository, self._activity_keep)

    async def _remove(self, log: Callable[[AsyncSession], "_Ageing"], keep: timedelta) -> int:
        boundary = new_id(at=self._clock.now() - keep)
        return await self._database.in_batches(
            lambda session: log(session).remove_old(boundary=boundary, limit=REMOVED_AT_ONCE),
            size=REMOVED_AT_ONCE,
            most=MOST_BATCHES,
        )


class _Ageing(Protocol):
    """A log whose old entries can be removed."""

    def remove_old(self, *, boundary: UUID, limit: int) -> Awaitable[int]: ...


def audit_jobs(retention: Retention) -> list[Job]:
    """Removal of old entries, every hour."""
    return [
        Job(
            name="audit.remove_old_entries",
            run=retention.remove_old_entries,
            timeout=60,
            seconds=frozenset({40}),
            minutes=frozenset({17}),
        )
    ]
