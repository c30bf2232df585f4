"""What runs by itself: sending every second, digests every minute, removal of what is old every hour."""

from datetime import timedelta
from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from users.notifications.challenger import Challenger
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.digest_repository import DigestRepository
from users.notifications.digest_run import DigestRun
from users.notifications.later import SEND, VERIFY
from users.notifications.sender import DeliverySender

REMOVED_AT_ONCE: Final = 1_000
MOST_BATCHES: Final = 20
DIGESTS_KEPT: Final = timedelta(days=400)


class DeliveryRetention:
    """Removes events past their age, with their deliveries; each batch is a transaction."""

    def __init__(self, *, database: Database, clock: Clock, keep_days: int) -> None:
        self._database = database
        self._clock = clock
        self._keep = timedelta(days=keep_days)

    async def remove_old(self) -> int:
        """How many events went; and with them digests of long ago."""
        before = self._clock.now() - self._keep
        await self._database.in_batches(
            lambda session: DigestRepository(session).remove_old(
                before=self._clock.now() - DIGESTS_KEPT, limit=REMOVED_AT_ONCE
            ),
            size=REMOVED_AT_ONCE,
            most=MOST_BATCHES,
        )
        return await self._database.in_batches(
            lambda session: DeliveryRepository(session).remove_old(before=before, limit=REMOVED_AT_ONCE),
            size=REMOVED_AT_ONCE,
            most=MOST_BATCHES,
        )


def notification_jobs(
    sender: DeliverySender, challenger: Challenger, retention: DeliveryRetention, digests: DigestRun
) -> list[Job]:
    """A run that sends takes up work for a while, and is given the time to see all of it through."""
    return [
        Job(name=SEND, run=sender.send_due, timeout=65, seconds=frozenset(range(60))),
        Job(name=VERIFY, run=challenger.challenge, timeout=30),
        Job(name="notifications.digests", run=digests.run, timeout=60, seconds=frozenset({5})),
        Job(
            name="notifications.remove_old",
            run=retention.remove_old,
            timeout=60,
            seconds=frozenset({50}),
            minutes=frozenset({37}),
        ),
    ]
