"""How a worker's jobs end, and how the queue stands meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time

import pytest
from arq.constants import default_queue_name, in_progress_key_prefix
from dependency_injector import providers
from structlog.testing import capture_logs
from tests.conftest import container_of
from tests.waiting import LIMIT_S

from app.container import AppContainer
from app.worker import WorkerProcess
from shared.jobs import Job
from shared.jobs.arq_queue import LOOKED_AT


@dataclass
class Hanging:
    """A job that never comes to its end by itself."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cleaning_up_fails: bool = False

    async def run(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if self.cleaning_up_fails:
                raise ConnectionError


def running_only(container: AppContainer, run: Callable[[], Awaitable[None]], *, timeout: float) -> AppContainer:
    container.jobs.override(providers.Object([Job(name="digging", run=run, timeout=timeout)]))
    return container


def ended(container: AppContainer, outcome: str) -> float | None:
    labels = {"name": "digging", "outcome": outcome}
    return container.metrics().registry.get_sample_value("trackers_jobs_total", labels)


@asynccontextmanager
async def working(container: AppContainer, job: Hanging) -> AsyncIterator[None]:
    """A worker that is in the middle of the job; it is stopped at the end, without grace."""
    process = WorkerProcess(container, grace=0)
    worker = asyncio.create_task(process.run())
    try:
        await asyncio.wait_for(job.begun.wait(), LIMIT_S)
        yield
    finally:
        process.stop()
        await worker


@pytest.mark.parametrize("cleaning_up_fails", [False, True])
async def test_a_job_that_takes_too_long_has_failed(environ: dict[str, str], cleaning_up_fails: bool) -> None:
    job = Hanging(cleaning_up_fails=cleaning_up_fails)
    container = running_only(container_of(environ), job.run, timeout=0.05)
    await container.queue().enqueue("digging")
    with capture_logs() as logs:
        assert await WorkerProcess(container).burst() == 1
    assert (ended(container, "timed_out"), ended(container, "stopped")) == (1, None)
    (line,) = [line for line in logs if line["event"] == "job_failed"]
    assert line["log_level"] == "error"


async def test_a_time_out_of_the_jobs_own_is_a_failure_like_others(environ: dict[str, str]) -> None:
    async def asks() -> None:
        raise TimeoutError

    container = running_only(container_of(environ), asks, timeout=60)
    await container.queue().enqueue("digging")
    assert await WorkerProcess(container).burst() == 1
    assert (ended(container, "failed"), ended(container, "timed_out")) == (1, None)


async def test_a_job_that_ends_with_its_worker_was_stopped(environ: dict[str, str]) -> None:
    job = Hanging()
    container = running_only(container_of(environ), job.run, timeout=60)
    await container.queue().enqueue("digging")
    with capture_logs() as logs:
        async with working(container, job):
            pass
    assert (ended(container, "stopped"), ended(container, "timed_out")) == (1, None)
    assert "job_failed" not in {line["event"] for line in logs}


async def test_a_job_that_runs_does_not_wait(environ: dict[str, str], container: AppContainer) -> None:
    job = Hanging()
    queue = container.queue()
    await queue.enqueue("digging", job_id="long")
    await container.redis().zincrby(default_queue_name, -600_000, "long")
    assert (await queue.standing())[1] >= 600
    async with working(running_only(container_of(environ), job.run, timeout=60), job):
        assert await queue.standing() == (1, 0.0)


async def test_what_waits_behind_many_that_run_is_found(container: AppContainer) -> None:
    queue, redis = container.queue(), container.redis()
    now = time() * 1000  # real date: arq orders its queue by it; only distances are compared
    running = [f"running-{number}" for number in range(2 * LOOKED_AT + 7)]
    await redis.mset({in_progress_key_prefix + job_id: 1 for job_id in running})
    await redis.zadd(default_queue_name, dict.fromkeys(running, now - 600_000))
    assert await queue.standing() == (len(running), 0.0)
    await redis.zadd(default_queue_name, {"waits": now - 90_000, "waits-too": now - 5_000})
    depth, oldest = await queue.standing()
    assert (depth, 90 <= oldest < 600) == (len(running) + 2, True)
