"""A worker process: arq runs the jobs of the app. If Redis fails, the worker waits and connects again.

Only this file and shared/jobs/arq_queue.py import arq.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import structlog
from arq.connections import ArqRedis
from arq.cron import CronJob, cron
from arq.worker import Function, Worker, func
from redis.exceptions import RedisError

from app.container import AppContainer, running_app
from app.listening import bound
from app.worker_metrics import serving
from shared.jobs import Job
from shared.jobs.arq_queue import CARRIED, deserialize, serialize
from shared.jobs.heartbeat import BEATS_EVERY
from shared.observability.telemetry import JobTimedOutError, Telemetry
from shared.settings import Settings

GRACE: Final = 20.0
"""Seconds that running jobs have to finish when the worker must stop."""
HEALTH_KEY: Final = "worker:"
"""Prefix of the health key of each worker in Redis."""
LEEWAY: Final = 5.0
"""Seconds after a job's own time-out at which arq cancels it; arq cancels jobs in the same way when a worker stops."""
REST: Final = 0.5
"""Seconds between the loss of Redis and the next attempt."""


class HeartbeatWorker(Worker):
    """arq's worker with a heartbeat whenever the loop that picks jobs refreshes the health key."""

    beat: Callable[[], Awaitable[None]]

    async def record_health(self) -> None:
        before = self._last_health_check
        await super().record_health()
        if self._last_health_check != before:
            await self.beat()


class WorkerProcess:
    """Runs an arq worker, and starts it again after a loss of Redis."""

    def __init__(self, container: AppContainer, *, grace: float = GRACE) -> None:
        self._container = container
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._grace = grace
        self._settings: Settings = container.settings()
        self._stopping = asyncio.Event()
        self._raised = 0

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`; a loss of Redis does not end it."""
        log = structlog.get_logger(__name__)
        async with running_app(self._container), self._metrics():
            jobs = self._container.jobs()
            log.info("worker_started", max_jobs=self._settings.worker_max_jobs)
            while not self._stopping.is_set():
                worker = self._worker(jobs)
                try:
                    await self._work(worker)
                except (RedisError, OSError, asyncio.CancelledError) as error:
                    if isinstance(error, asyncio.CancelledError) and not self._stopping.is_set():
                        raise
                    log.warning("queue_away", error=str(error)[:200])
                    await self._rest()
                finally:
                    await self._close(worker)
            log.info("worker_stopped")

    async def burst(self) -> int:
        """Reclaim expired leases, enqueue due targets and run all queued jobs; return the number of failed jobs."""
        ended_by_queue = 0
        async with running_app(self._container):
            await self._container.dispatcher().reclaim_expired_leases()
            while True:
                sent = await self._container.dispatcher().dispatch_all()
                worker = self._worker(self._container.jobs(), burst=True)
                try:
                    await worker.main()
                finally:
                    await self._close(worker)
                ended_by_queue += worker.jobs_failed
                if not sent and not worker.jobs_complete:
                    return ended_by_queue + self._raised

    async def _work(self, worker: Worker) -> None:
        working = asyncio.create_task(worker.main())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return
            worker.allow_pick_jobs = False
            structlog.get_logger(__name__).info("worker_stopping", jobs=len(worker.tasks))
            await self._finish(worker)
        finally:
            stopping.cancel()
            await _end(working)

    async def _finish(self, worker: Worker) -> None:
        """Wait until running jobs, and those that were just picked, have finished, for `grace` seconds at most."""
        until = asyncio.get_running_loop().time() + self._grace
        while (left := until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(self._settings.worker_poll_delay)
            under_way = [task for task in worker.tasks.values() if not task.done()]
            if not under_way:
                return
            await asyncio.wait(under_way, timeout=left)

    async def _close(self, worker: Worker) -> None:
        """Cancel the jobs that are still running; they release their leases when they are cancelled."""
        tasks = list(worker.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await worker.pool.delete(worker.health_check_key)
            await self._container.heartbeats().gone(self._name)

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), REST)

    @asynccontextmanager
    async def _metrics(self) -> AsyncIterator[None]:
        """Serve the worker's own counters, if a port is set. Raises CannotListenError if it cannot be used."""
        settings = self._container.observability_settings()
        if not settings.metrics_port:
            yield
            return
        listening = bound(settings.metrics_host, settings.metrics_port, variable="TRACKERS_METRICS_{}")
        async with serving(self._container, listening):
            yield

    def _note_raised(self) -> None:
        self._raised += 1

    def _worker(self, jobs: Sequence[Job], *, burst: bool = False) -> Worker:
        redis = self._container.redis()
        pool = ArqRedis(connection_pool=redis.connection_pool, job_serializer=serialize, job_deserializer=deserialize)
        runs = _Runs(self._container.telemetry(), self._note_raised)
        worker = HeartbeatWorker(
            functions=[_function(job, runs) for job in jobs],
            cron_jobs=[] if burst else [_cron(job, runs) for job in jobs if job.seconds is not None],
            redis_pool=pool,
            burst=burst,
            handle_signals=False,
            max_jobs=self._settings.worker_max_jobs,
            poll_delay=self._settings.worker_poll_delay,
            keep_result=0,
            max_tries=3,
            health_check_interval=BEATS_EVERY,
            health_check_key=f"{HEALTH_KEY}{self._name}",
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        worker.beat = partial(self._container.heartbeats().beat, self._name)
        return worker


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel the task until it ends: at its start, arq's main loop can swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


async def run_worker(container: AppContainer, *, grace: float = GRACE) -> None:
    """Work until SIGTERM or SIGINT; running jobs finish within `grace` seconds or release their leases."""
    process = WorkerProcess(container, grace=grace)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop)
    await process.run()


def _function(job: Job, runs: "_Runs") -> Function:
    return func(runs.of(job, periodic=False), name=job.name, timeout=job.timeout + LEEWAY, keep_result=0, max_tries=3)


def _cron(job: Job, runs: "_Runs") -> CronJob:
    return cron(
        runs.of(job, periodic=True),
        name=f"cron:{job.name}",
        second=set(job.seconds or ()),
        minute=set(job.minutes) if job.minutes is not None else None,
        microsecond=0,
        timeout=job.timeout + LEEWAY,
        keep_result=0,
        max_tries=1,
    )


class _Runs:
    """Makes functions for arq that count and trace jobs, with the job's id in every log line."""

    def __init__(self, telemetry: Telemetry, note_raised: Callable[[], None]) -> None:
        self._telemetry = telemetry
        self._note_raised = note_raised

    def of(self, job: Job, *, periodic: bool) -> Callable[..., Coroutine[Any, Any, None]]:
        async def run(ctx: dict[str, Any], *arguments: Any, **carried: str) -> None:
            try:
                with self._telemetry.job(job.name, ctx.get("job_id"), carried=carried.get(CARRIED), periodic=periodic):
                    try:
                        await _in_time(job, arguments)
                    except Exception:
                        structlog.get_logger(__name__).exception("job_failed")
                        raise
            except Exception:  # noqa: BLE001 -- logged above; leases and the next tick repeat the work
                self._note_raised()

        return run


async def _in_time(job: Job, arguments: Sequence[Any]) -> None:
    """Run the job. Raises JobTimedOutError if it exceeds its time-out, with whatever error it then ends."""
    limit = asyncio.timeout(job.timeout)
    try:
        async with limit:
            await job.run(*arguments)
    except (Exception, asyncio.CancelledError) as error:
        if limit.expired():
            raise JobTimedOutError(f"{job.name} took longer than {job.timeout:g} seconds") from error
        raise
