"""Retry of dead events by an admin."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.audit.schemas import ActivityEvent
from shared.database import Database
from shared.jobs import JobQueue
from shared.outbox.errors import DeadEventNotFound
from shared.outbox.outbox import RELAY
from shared.outbox.repository import OutboxRepository
from shared.outbox.schemas import Redriven
from shared.web.identity import PersonIdentity


class DeadEventService:
    """Resets dead events to their first try. Later events of their aggregates have already been relayed."""

    def __init__(
        self, session: AsyncSession, *, repository: OutboxRepository, jobs: JobQueue, activity: ActivityLog
    ) -> None:
        self._session = session
        self._repository = repository
        self._jobs = jobs
        self._activity = activity

    async def redrive(self, event_id: UUID, *, asker: PersonIdentity) -> Redriven:
        """Retry one dead event. Raises DeadEventNotFound if there is none with this id."""
        redriven = await self._redrive(event_id, asker)
        if not redriven.redriven:
            raise DeadEventNotFound(event_id)
        return redriven

    async def redrive_all(self, *, asker: PersonIdentity) -> Redriven:
        return await self._redrive(None, asker)

    async def _redrive(self, event_id: UUID | None, asker: PersonIdentity) -> Redriven:
        redriven = await self._repository.redrive(event_id)
        await self._activity.record_many(
            [
                ActivityEvent(event="outbox.event_redriven", subject="event", subject_id=id_, user_id=user_id)
                for id_, user_id in redriven
            ],
            actor=asker,
        )
        if redriven:
            Database.after_commit(self._session, lambda: self._jobs.enqueue(RELAY, job_id=RELAY))
        return Redriven(redriven=len(redriven))
