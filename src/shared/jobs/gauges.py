"""How the queue stands."""

from collections.abc import Sequence
from typing import Final

from shared.jobs.arq_queue import ArqQueue
from shared.jobs.heartbeat import Heartbeats
from shared.observability.readings import Gauge, GaugeReading

DEPTH: Final = Gauge("trackers_job_queue_depth", "Jobs that wait or run.")
OLDEST: Final = Gauge("trackers_job_queue_oldest_seconds", "Seconds since the oldest that waits could have begun.")
WORKERS: Final = Gauge("trackers_workers", "Workers that were heard of lately.")


class QueueGauges:
    """Asks Redis for a count, the first entry that waits, and the workers."""

    name = "queue"

    def __init__(self, queue: ArqQueue, heartbeats: Heartbeats) -> None:
        self._queue = queue
        self._heartbeats = heartbeats

    async def read(self) -> Sequence[GaugeReading]:
        depth, oldest = await self._queue.standing()
        return [
            GaugeReading(DEPTH, depth),
            GaugeReading(OLDEST, oldest),
            GaugeReading(WORKERS, len(await self._heartbeats.alive())),
        ]
