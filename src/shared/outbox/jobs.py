"""The outbox's jobs: relaying, and removal of what is old."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.outbox.outbox import RELAY
from shared.outbox.relay import Relay
from shared.outbox.repository import OutboxRepository

EVERY_SECOND: Final = frozenset(range(60))
REMOVED_AT_ONCE: Final = 5_000
MOST_BATCHES: Final = 40
"""In one run; the next one goes on."""


class EventRetention:
    """Removes events past their age; each batch is a transaction."""

    def __init__(
        self, *, database: Database, repository: Callable[[], OutboxRepository], clock: Clock, keep_days: int
    ) -> None:
        self._database = database
        self._repository = repository
        self._clock = clock
        self._keep = timedelta(days=keep_days)

    async def remove_old_events(self) -> int:
        """How many went."""
        before = self._clock.now() - self._keep
        return await self._database.in_batches(
            lambda _session: self._repository().remove_old(before=before, limit=REMOVED_AT_ONCE),
            size=REMOVED_AT_ONCE,
            most=MOST_BATCHES,
        )


def outbox_jobs(relay: Relay, retention: EventRetention) -> list[Job]:
    """The relay every second and when woken; removal twice an hour."""
    return [
        Job(name="outbox.relay_waiting", run=relay.run, timeout=30, seconds=EVERY_SECOND),
        Job(name=RELAY, run=relay.run, timeout=30),
        Job(
            name="outbox.remove_old_events",
            run=retention.remove_old_events,
            timeout=60,
            seconds=frozenset({50}),
            minutes=frozenset({11, 41}),
        ),
    ]
