"""Gauges of the job queue."""

from collections.abc import Sequence
from typing import Final

from shared.jobs.arq_queue import ArqQueue
from shared.jobs.heartbeat import Heartbeats
from shared.observability.readings import Gauge, GaugeReading

DEPTH: Final = Gauge("trackers_job_queue_depth", "Waiting and running jobs.")
OLDEST: Final = Gauge("trackers_job_queue_oldest_seconds", "Seconds since the oldest waiting job could have started.")
WORKERS: Final = Gauge("trackers_workers", "Workers with a recent heartbeat.")


class QueueGauges:
    """Reads the number of jobs, the first waiting job and the workers from Redis."""

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
