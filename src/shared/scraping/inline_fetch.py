"""Fetches of one target in the current process, for somebody who waits; the same rules as in a worker apply.

The target is leased in the transaction of the request, so that no worker leases it first. The fetch follows the commit.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.clock import Clock
from shared.database import Database, PooledQueries
from shared.scraping.repository import ScrapingRepository
from shared.scraping.runner import Runner
from shared.scraping.target import Status
from shared.scraping.targets import RequestedRun, Targets, Task, TaskQueries

POLL_INTERVAL_S: Final = 0.2
_LEASE: Final = text("SELECT lease_until FROM scrape_schedule WHERE target_id = :target")


class InlineFetcher:
    """Leases targets and fetches them in this process."""

    def __init__(
        self,
        *,
        database: Database,
        reader: PooledQueries,
        targets: Callable[[], Targets],
        runner: Runner,
        board: TaskQueries,
        clock: Clock,
        lease: timedelta,
    ) -> None:
        self._database = database
        self._reader = reader
        self._targets = targets
        self._runner = runner
        self._board = board
        self._clock = clock
        self._lease = lease

    async def ask(self, source: str, target_id: UUID) -> RequestedRun | None:
        """Request a run of a target and lease it, in the open unit of work; None if nobody follows the target."""
        tasks = await self._targets().request_run(source, [target_id])
        if target_id not in tasks:
            return None
        now = self._clock.now()
        repository = ScrapingRepository(self._database.session())
        claim = await repository.claim_one(target_id, now=now, lease_until=now + self._lease)
        return RequestedRun(source=source, target_id=target_id, task_id=tasks[target_id], claim=claim)

    async def carry_out(self, asked: RequestedRun, *, on_step: Callable[[str], None] | None = None) -> Task:
        """Fetch the target after the commit of the request; returns the task.

        If a worker has leased the target, wait for the worker's run instead, at most until its lease ends.
        """
        if asked.claim is not None:
            await self._runner.run(asked.source, [asked.claim], on_step=on_step)
        else:
            await self._wait_for_worker(asked)
        return await self._board.task(asked.task_id)

    async def leased_until(self, target_id: UUID) -> datetime | None:
        """End of the lease on a target; None if it is not leased."""
        until: datetime | None = await self._reader.value(_LEASE, {"target": target_id})
        return until

    async def _wait_for_worker(self, asked: RequestedRun) -> None:
        until = await self.leased_until(asked.target_id)
        while until is not None and self._clock.now() <= until:
            if (await self._board.task(asked.task_id)).status not in {Status.PENDING, Status.IN_PROGRESS}:
                return
            await asyncio.sleep(POLL_INTERVAL_S)
