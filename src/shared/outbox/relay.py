"""The relay: passes events to their handlers, in order, with effects in the database exactly once.

Only one relay runs at a time in all processes. A batch is one transaction: the lock, the events with their positions,
and all changes of the handlers. If the process is killed, either all of it is committed or nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database, connection_was_lost
from shared.events import EventHandler
from shared.outbox.repository import OutboxRepository
from shared.outbox.schemas import ClaimedEvent, Failure
from shared.redaction import redacted_text

BATCH: Final = 500
MAX_RUN_S: Final = 10.0
"""Seconds after which a run starts no further batch; the next run continues."""
MAX_BATCH: Final = 10.0
"""Seconds after which a batch counts as failed."""
TRIES: Final = 8
FIRST_REST: Final = 5.0
MAX_COOLDOWN_S: Final = 300.0


class Relay:
    """Singleton; repository and handlers are built again for each transaction."""

    def __init__(
        self,
        *,
        database: Database,
        repository: Callable[[], OutboxRepository],
        handlers: Callable[[], Sequence[EventHandler]],
        activity: Callable[[], ActivityLog],
        clock: Clock,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._repository = repository
        self._handlers = handlers
        self._activity = activity
        self._clock = clock
        self._batch = batch

    async def run(self) -> int:
        """Relay until nothing is due or another relay is running; return the number of relayed events.

        After a failed batch, its events are relayed one by one, so that the failing event does not stop the others.
        """
        relayed, one_by_one = 0, 0
        until = monotonic() + MAX_RUN_S
        while monotonic() < until:
            claimed: list[ClaimedEvent] = []
            try:
                async with asyncio.timeout(MAX_BATCH), self._database.unit_of_work():
                    repository = self._repository()
                    if not await repository.try_lock():
                        break
                    limit = 1 if one_by_one else self._batch
                    claimed += await repository.claim(now=self._clock.now(), limit=limit)
                    await self._handle(claimed)
            except Exception as error:
                if not claimed or connection_was_lost(error):  # not the fault of an event
                    raise
                if len(claimed) == 1:
                    await self._note_failure(claimed[0], error)
                else:
                    one_by_one = len(claimed) + 1
                    structlog.get_logger(__name__).warning("batch_not_relayed", events=len(claimed), exc_info=True)
            else:
                relayed += len(claimed)
            if not claimed:
                break
            one_by_one = max(0, one_by_one - 1)
        return relayed

    async def _handle(self, claimed: Sequence[ClaimedEvent]) -> None:
        """Pass each handler the events that it listens to, in one call."""
        if not claimed:
            return
        for handler in self._handlers():
            if events := [item.event for item in claimed if item.event.event in handler.events]:
                await handler.handle(events)

    async def _note_failure(self, claimed: ClaimedEvent, error: Exception) -> None:
        """Count the failed try. If the database is unreachable, this fails as well and nothing is counted."""
        now = self._clock.now()
        failure = failure_of(error, attempts=claimed.attempts + 1, now=now)
        event = claimed.event
        async with self._database.unit_of_work():
            if not await self._repository().note_failure(claimed, failure):
                return
            if failure.dead_at is not None:
                await self._activity().record(
                    "outbox.event_dead",
                    subject="event",
                    subject_id=event.id,
                    user_id=event.user_id,
                    details={"event": event.event, "aggregate": event.aggregate, "error": failure.error},
                )
        fields = {
            "event_id": str(event.id),
            "event_name": event.event,
            "aggregate": event.aggregate,
            "attempts": claimed.attempts + 1,
        }
        log = structlog.get_logger(__name__)
        if failure.dead_at is not None:
            log.error("event_dead", **fields, exc_info=error)
        else:
            log.warning("event_not_relayed", **fields, due_at=failure.due_at, exc_info=error)


def failure_of(error: Exception, *, attempts: int, now: datetime) -> Failure:
    """The failure after a try: the wait doubles with each try up to MAX_COOLDOWN_S; after TRIES the event is dead."""
    message = redacted_text(f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode())
    if attempts >= TRIES:
        return Failure(error=message, due_at=None, dead_at=now)
    wait = min(MAX_COOLDOWN_S, FIRST_REST * 2 ** (attempts - 1))
    return Failure(error=message, due_at=now + timedelta(seconds=wait), dead_at=None)
