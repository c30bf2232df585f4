"""Looking at one target in this very process, for somebody who waits for it; by the same rules as a worker.

The lease is taken in the transaction of who asks, so that no worker can be faster; the look itself comes after it.
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
    """Takes targets up and looks at them here and now."""

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
        """Ask for a look at a target and take it up, in the unit of work that is open; None: nobody follows it."""
        tasks = await self._targets().request_run(source, [target_id])
        if target_id not in tasks:
            return None
        now = self._clock.now()
        repository = ScrapingRepository(self._database.session())
        claim = await repository.claim_one(target_id, now=now, lease_until=now + self._lease)
        return RequestedRun(source=source, target_id=target_id, task_id=tasks[target_id], claim=claim)

    async def carry_out(self, asked: RequestedRun, *, on_step: Callable[[str], None] | None = None) -> Task:
        """Look, once the transaction that asked is in; how the task then stands.

        Where a worker holds the target, its look is waited for, as long as it may hold it.
        """
        if asked.claim is not None:
            await self._runner.run(asked.source, [asked.claim], on_step=on_step)
        else:
            await self._others_are_done(asked)
        return await self._board.task(asked.task_id)

    async def leased_until(self, target_id: UUID) -> datetime | None:
        """Until when a worker may hold a target at most; None: none holds it."""
        until: datetime | None = await self._reader.value(_LEASE, {"target": target_id})
        return until

    async def _others_are_done(self, asked: RequestedRun) -> None:
        until = await self.leased_until(asked.target_id)
        while until is not None and self._clock.now() <= until:
            if (await self._board.task(asked.task_id)).status not in {Status.PENDING, Status.IN_PROGRESS}:
                return
            await asyncio.sleep(POLL_INTERVAL_S)
