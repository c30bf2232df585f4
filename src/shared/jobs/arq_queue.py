"""Job queue on arq and Redis. Only this file and app/worker.py use arq."""

from collections.abc import Sequence
from time import time
from typing import Any, Final
from uuid import uuid4

import msgspec
from arq.connections import ArqRedis
from arq.constants import default_queue_name, in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import Redis

from shared.jobs.queue import JobArguments
from shared.observability.readings import COUNTED
from shared.observability.tracing import Tracing

EXPIRES_MS: Final = 86_400_000
LOOKED_AT: Final = 500
"""Entries of the queue that are read at a time to find the first waiting one."""
CARRIED: Final = "traceparent"
"""Argument that continues a trace in the job; absent without a trace."""
serialize: Final = msgspec.json.Encoder().encode
deserialize: Final = msgspec.json.Decoder().decode


class ArqQueue:
    """Sends jobs to arq workers, without pickle."""

    def __init__(self, redis: Redis, *, tracing: Tracing) -> None:
        self._redis = ArqRedis(
            connection_pool=redis.connection_pool, job_serializer=serialize, job_deserializer=deserialize
        )
        self._tracing = tracing

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        await self._redis.enqueue_job(job, *arguments, _job_id=job_id, **self._carried())

    async def enqueue_many(self, job: str, arguments: Sequence[JobArguments]) -> None:
        """Send all jobs in one pipeline: arq's own call is one transaction per job and forty times slower."""
        now = int(time() * 1000)  # real date: arq orders its queue by it
        carried = self._carried()
        pipeline = self._redis.pipeline(transaction=False)
        scores: dict[str, int] = {}
        for args in arguments:
            job_id = uuid4().hex
            body = serialize_job(job, args, carried, None, now, serializer=serialize)
            pipeline.psetex(job_key_prefix + job_id, EXPIRES_MS, body)
            scores[job_id] = now
        if scores:
            pipeline.zadd(default_queue_name, scores)  # after the bodies: a worker that sees the id finds the job
            await pipeline.execute()

    async def standing(self) -> tuple[int, float]:
        """Number of waiting and running jobs, and seconds since the oldest waiting job could have started.

        A running job stays in the queue until it ends, with a key beside it. At most COUNTED entries are read: no
        installation runs so many jobs at once.
        """
        depth = await self._redis.zcard(default_queue_name)
        for start in range(0, min(depth, COUNTED), LOOKED_AT):
            entries = await self._redis.zrange(default_queue_name, start, start + LOOKED_AT - 1, withscores=True)
            if not entries:
                break
            running = await self._redis.mget([in_progress_key_prefix + job_id.decode() for job_id, _ in entries])
            for (_, begins), runs in zip(entries, running, strict=True):
                if runs is None:
                    return depth, max(0.0, time() - begins / 1000)  # real date: as arq wrote it
        return depth, 0.0

    def _carried(self) -> dict[str, Any]:
        carried = self._tracing.carried()
        return {} if carried is None else {CARRIED: carried}
