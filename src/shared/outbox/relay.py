"""The relay: hands events to those who do something about them, each in order and each exactly once in the database.

One relay works at a time over all processes. A batch is one transaction: the lock, the events with their positions,
all that handlers do. Killed anywhere, it leaves either all of that or nothing.
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
"""Seconds after which a run begins no further batch; the next one goes on."""
MAX_BATCH: Final = 10.0
"""Seconds after which a transaction counts as failed."""
TRIES: Final = 8
FIRST_REST: Final = 5.0
MAX_COOLDOWN_S: Final = 300.0


class Relay:
    """Built once; what works on a transaction is built for each anew."""

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
        """Relay until nothing is due, or another relay works; how many events.

        After a batch that failed its events are taken one by one, so that the one to blame harms no other.
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
                if not claimed or connection_was_lost(error):  # no event is to blame
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
        """Each handler gets what it wants to hear of, in one call."""
        if not claimed:
            return
        for handler in self._handlers():
            if wanted := [one.event for one in claimed if one.event.event in handler.events]:
                await handler.handle(wanted)

    async def _note_failure(self, claimed: ClaimedEvent, error: Exception) -> None:
        """Count the try; where the database is away this fails as well, and nothing is counted."""
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
        told = {
            "event_id": str(event.id),
            "event_name": event.event,
            "aggregate": event.aggregate,
            "attempts": claimed.attempts + 1,
        }
        log = structlog.get_logger(__name__)
        if failure.dead_at is not None:
            log.error("event_dead", **told, exc_info=error)
        else:
            log.warning("event_not_relayed", **told, due_at=failure.due_at, exc_info=error)


def failure_of(error: Exception, *, attempts: int, now: datetime) -> Failure:
    """What follows from so many failed tries: a rest that doubles, and in the end none more."""
    said = redacted_text(f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode())
    if attempts >= TRIES:
        return Failure(error=said, due_at=None, dead_at=now)
    rest = min(MAX_COOLDOWN_S, FIRST_REST * 2 ** (attempts - 1))
    return Failure(error=said, due_at=now + timedelta(seconds=rest), dead_at=None)
