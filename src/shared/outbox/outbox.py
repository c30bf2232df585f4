"""Services publish events here, in the transaction of the change."""

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
"""Name of the job that relays waiting events."""
_WAKES: Final = "wakes_relay"


class Outbox:
    """Publishes events on the session of the request or job, so that they are committed together with the change."""

    def __init__(self, session: AsyncSession, *, repository: OutboxRepository, jobs: JobQueue, clock: Clock) -> None:
        self._session = session
        self._repository = repository
        self._jobs = jobs
        self._clock = clock

    async def publish(self, *events: NewEvent) -> None:
        """Insert the events with one statement, and start the relay after the commit.

        The aggregates are locked until the transaction ends, so that events of an aggregate are committed in the order
        in which they are written. Publish last and in one call, after the rows of the change are locked.
        """
        if not events:
            return
        written = [
            WrittenEvent(
                id=new_id(),
                event=new.event.name,
                aggregate=new.aggregate,
                payload=new.payload,
                user_id=new.user_id,
                key=new.key,
            )
            for new in events
        ]
        await self._repository.add(written, now=self._clock.now())
        if not self._session.info.get(_WAKES):
            self._session.info[_WAKES] = True
            Database.after_commit(self._session, lambda: self._jobs.enqueue(RELAY, job_id=RELAY))
