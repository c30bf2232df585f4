"""Where services tell what happened: with the change, or not at all."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import Database
from shared.events import NewEvent
from shared.ids import new_id
from shared.jobs import JobQueue
from shared.outbox.repository import OutboxRepository
from shared.outbox.schemas import WrittenEvent

RELAY: Final = "outbox.relay"
"""Name of the job that relays what waits."""
_WAKES: Final = "wakes_relay"


class Outbox:
    """On the request's or the job's session: what it publishes is there exactly when the change is."""

    def __init__(self, session: AsyncSession, *, repository: OutboxRepository, jobs: JobQueue, clock: Clock) -> None:
        self._session = session
        self._repository = repository
        self._jobs = jobs
        self._clock = clock

    async def publish(self, *events: NewEvent) -> None:
        """Write events down, all in one statement, and wake the relay once they are in; none, in no statement.

        Until the transaction ends nobody else publishes about the same aggregates, so that what is written first is
        in first: publish last, in one call, after the rows of the change are locked.
        """
        if not events:
            return
        written = [
            WrittenEvent(
                id=new_id(),
                event=one.event.name,
                aggregate=one.aggregate,
                payload=one.payload,
                user_id=one.user_id,
                key=one.key,
            )
            for one in events
        ]
        await self._repository.add(written, now=self._clock.now())
        if not self._session.info.get(_WAKES):
            self._session.info[_WAKES] = True
            Database.after_commit(self._session, lambda: self._jobs.enqueue(RELAY, job_id=RELAY))
