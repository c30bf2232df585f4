"""From an event to its deliveries, inside the transaction in which the event is handled. Nothing is sent here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.clock import Clock
from shared.events import Event
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.job_enqueuer import JobEnqueuer
from users.notifications.messages import Recipient

PAGE: Final = 5_000
"""Recipients of one statement."""
GATHERED_FOR: Final = timedelta(minutes=10)
"""What is told together waits so long from its first news on."""
RUN_TAKES: Final = timedelta(hours=1)
"""What belongs to a run waits for that to say so, but no longer."""
BATCH: Final = "batch"
"""Key in an event's payload: the run that it belongs to."""


class FanOut:
    """The Notifier: on the open session; the sender is woken once it commits."""

    def __init__(self, *, deliveries: DeliveryRepository, enqueuer: JobEnqueuer, clock: Clock) -> None:
        self._deliveries = deliveries
        self._enqueuer = enqueuer
        self._clock = clock

    async def notify(self, event: Event, recipients: Sequence[Recipient]) -> int:
        """One delivery to each channel that wants to hear of it; how many were not there yet."""
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
        """A run is over: what gathered in it is told now, in one message a channel."""
        await self._deliveries.release(batch, now=self._clock.now())
        self._enqueuer.send()
