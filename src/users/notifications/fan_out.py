"""Creates the deliveries of an event, in the transaction of its handler. Nothing is sent here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.clock import Clock
from shared.events import Event
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.job_enqueuer import JobEnqueuer
from users.notifications.messages import Recipient

PAGE: Final = 5_000
"""Recipients per statement."""
GATHERED_FOR: Final = timedelta(minutes=10)
"""Time for which updates are gathered, from the first one on."""
RUN_TAKES: Final = timedelta(hours=1)
"""Longest time for which the deliveries of a batch wait for its release."""
BATCH: Final = "batch"
"""Key in the payload of an event: the batch that it belongs to."""


class FanOut:
    """The Notifier: works on the open session, and starts the sender after its commit."""

    def __init__(self, *, deliveries: DeliveryRepository, enqueuer: JobEnqueuer, clock: Clock) -> None:
        self._deliveries = deliveries
        self._enqueuer = enqueuer
        self._clock = clock

    async def notify(self, event: Event, recipients: Sequence[Recipient]) -> int:
        """Create a delivery for each channel that should receive the event; return how many are new."""
        if not recipients:
            return 0
        now = self._clock.now()
        batch = event.payload.get(BATCH)
        await self._deliveries.note_event(event, now=now)
        written = 0
        for start in range(0, len(recipients), PAGE):
            written += await self._deliveries.fan_out(
                event,
                recipients[start : start + PAGE],
                batch=None if batch is None else str(batch),
                gathered_until=now + (GATHERED_FOR if batch is None else RUN_TAKES),
                now=now,
            )
        if written:
            self._enqueuer.send()
        return written

    async def release(self, batch: str) -> None:
        """Send the gathered deliveries of a complete batch now, as one message per channel."""
        await self._deliveries.release(batch, now=self._clock.now())
        self._enqueuer.send()
