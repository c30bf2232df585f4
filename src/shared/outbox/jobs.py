"""Jobs of the outbox: relay events, and remove old ones."""

from collections.abc import Callable
from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.outbox.outbox import RELAY
from shared.outbox.relay import Relay
from shared.outbox.repository import OutboxRepository
from shared.retention import Ageing, Retention

EVERY_SECOND: Final = frozenset(range(60))
REMOVED_AT_ONCE: Final = 5_000


def event_retention(
    *, database: Database, repository: Callable[[], OutboxRepository], clock: Clock, keep_days: int
) -> Retention:
    """Retention of events. Events that wait for the relay are never removed."""
    events = Ageing(
        what="outbox_events",
        keep_days=keep_days,
        remove=lambda _session, before, limit: repository().remove_old(before=before, limit=limit),
        batch_size=REMOVED_AT_ONCE,
    )
    return Retention(database=database, clock=clock, kinds=[events])


def outbox_jobs(relay: Relay, retention: Retention) -> list[Job]:
    """The relay, every second and after each publication; and the removal of old events, twice an hour."""
    return [
        Job(name="outbox.relay_waiting", run=relay.run, timeout=30, seconds=EVERY_SECOND),
        Job(name=RELAY, run=relay.run, timeout=30),
        retention.job("outbox.remove_old_events", minutes={11, 41}, second=50),
    ]
