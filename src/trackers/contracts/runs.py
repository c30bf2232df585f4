"""Aggregation runs: the first region that is fetched begins a run, other regions join it, and the last one ends it.

The engine decides which regions are due, and handles their leases and pace. This module permits one aggregating process
at a time, sums up what a run did, and stops a run that was presumed dead from writing (docs/decisions/0015).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import Database, connection_was_lost
from shared.ids import new_id
from shared.redaction import redacted_text
from shared.scraping.failures import ScrapeFailure
from shared.scraping.fetch_context import Postponed
from shared.scraping.pacing import HostCoolingDownError, PacerUnreachableError
from trackers.contracts.errors import DatabaseAwayError, FenceHeldError, LostLeaseError
from trackers.contracts.run_lock import LockStoreUnreachableError, RunLease
from trackers.contracts.run_repository import RunRepository
from trackers.contracts.tally import Tally

DATABASE_PATIENCE: Final = 15.0
"""Seconds for which a run waits for an unreachable database, while it keeps its data in memory."""
RETRY_AFTER_S: Final = 0.25
BUSY: Final = 5.0
"""Seconds after which a region is tried again if another process has a run."""
STORE_AWAY: Final = 15.0
R = TypeVar("R")


class AggregationRun:
    """A run, as used by the fetches that take part in it."""

    def __init__(
        self,
        *,
        run_id: UUID,
        fence: int,
        lease: RunLease,
        database: Database,
        started_at: datetime,
        patience: float = DATABASE_PATIENCE,
    ) -> None:
        self.id = run_id
        self.fence = fence
        self.started_at = started_at
        self.tally = Tally()
        self.outcome = "completed"
        self.error: str | None = None
        self._lease = lease
        self._database = database
        self._patience = patience
        self._done: set[str] = set()

    def check(self) -> None:
        """Raise LostLeaseError if this run must stop."""
        self._lease.check()

    async def write(self, step: Callable[[AsyncSession], Awaitable[R]]) -> R:
        """Do a step in one unit of work, committed only if no later run has begun; return the result of the step.

        The step is repeated while the database is unreachable, so it must be repeatable. Raises LostLeaseError, and
        DatabaseAwayError after `patience` seconds.
        """
        until = asyncio.get_running_loop().time() + self._patience
        while True:
            self.check()
            try:
                async with self._database.unit_of_work() as session:
                    await RunRepository(session).check_fence(self.fence)
                    Database.before_commit(session, self._check_before_commit)
                    return await step(session)
            except Exception as error:
                if not connection_was_lost(error):
                    raise
                if asyncio.get_running_loop().time() > until:
                    raise DatabaseAwayError(str(error)[:300]) from error
                structlog.get_logger(__name__).warning("database_away", error=str(error)[:200])
            await asyncio.sleep(RETRY_AFTER_S)

    def first(self, step: str) -> bool:
        """True for the first call with this step: for work that a run does once."""
        if step in self._done:
            return False
        self._done.add(step)
        return True

    def went_wrong(self, error: BaseException) -> None:
        """Note the error of a fetch; the run ends with the worst outcome."""
        if isinstance(error, asyncio.CancelledError):  # perhaps by the engine, which lost its lease, too
            try:
                self.check()
            except LostLeaseError as lost:
                error = lost
        outcome = _outcome_of(error)
        if _OUTCOMES_BY_SEVERITY.index(outcome) > _OUTCOMES_BY_SEVERITY.index(self.outcome):
            self.outcome = outcome
            self.error = redacted_text(f"{type(error).__name__}: {error}")

    async def _check_before_commit(self) -> None:
        self.check()


_OUTCOMES_BY_SEVERITY: Final = ("completed", "partial", "failed", "stopped", "database_away", "lost_lease")


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, LostLeaseError):
        return "lost_lease"
    if isinstance(error, DatabaseAwayError):
        return "database_away"
    if isinstance(error, asyncio.CancelledError):
        return "stopped"
    if isinstance(error, ScrapeFailure | HostCoolingDownError | PacerUnreachableError | Postponed):
        return "partial"
    return "failed"


class AggregationRuns:
    """Begins, joins and ends runs; only one process at a time has a run."""

    def __init__(
        self,
        *,
        database: Database,
        redis: Redis,
        clock: Clock,
        lifetime: float,
        patience: float = DATABASE_PATIENCE,
    ) -> None:
        self._database = database
        self._patience = patience
        self._redis = redis
        self._clock = clock
        self._lifetime = lifetime
        self._lock = asyncio.Lock()
        self._run: AggregationRun | None = None
        self._lease: RunLease | None = None
        self._participants = 0

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[AggregationRun]:
        """Take part in the run of this process, or begin one.

        Raises Postponed if another run is in progress or still writing, or if Redis is unreachable.
        """
        run = await self._join()
        try:
            with structlog.contextvars.bound_contextvars(aggregation_run=str(run.id)):
                yield run
        except BaseException as error:
            run.went_wrong(error)
            raise
        finally:
            await asyncio.shield(self._leave())

    async def _join(self) -> AggregationRun:
        async with self._lock:
            if self._run is None:
                self._run = await self._begin()
            self._participants += 1
            return self._run

    async def _begin(self) -> AggregationRun:
        run_id, now = new_id(), self._clock.now()
        log = structlog.get_logger(__name__).bind(aggregation_run=str(run_id))
        lease = RunLease(self._redis, run_id=run_id, lifetime=self._lifetime)
        try:
            if not await lease.acquire():
                raise Postponed("another run is in progress", seconds=BUSY)
        except LockStoreUnreachableError as error:
            log.critical("run_lock_unreachable", error=str(error)[:200])
            raise Postponed("Redis, which holds the run lock, is unreachable", seconds=STORE_AWAY) from error
        try:
            async with self._database.transaction() as session:
                fence = await RunRepository(session).open(run_id, now=now)
        except FenceHeldError as error:
            await lease.release()
            raise Postponed("the previous run is still writing", seconds=BUSY) from error
        except BaseException:
            log.critical("run_not_begun", exc_info=True)
            await lease.release()
            raise
        self._lease = lease
        log.info("run_started", fence=fence)
        return AggregationRun(
            run_id=run_id,
            fence=fence,
            lease=lease,
            database=self._database,
            started_at=now,
            patience=self._patience,
        )

    async def _leave(self) -> None:
        async with self._lock:
            self._participants -= 1
            if self._participants or self._run is None or self._lease is None:
                return
            run, lease = self._run, self._lease
            self._run = self._lease = None
            try:
                await self._end(run)
            finally:
                await lease.release()

    async def _end(self, run: AggregationRun) -> None:
        now = self._clock.now()
        tally = run.tally
        if run.outcome == "completed" and (tally.regions_failed or tally.regions_incomplete):
            run.outcome = "partial"
        log = structlog.get_logger(__name__).bind(aggregation_run=str(run.id))
        write_log = log.critical if run.outcome in {"database_away", "failed"} else log.info
        lasted = round((now - run.started_at).total_seconds(), 3)
        write_log("run_ended", outcome=run.outcome, error=run.error, lasted=lasted, **tally.summary())
        try:
            async with self._database.transaction() as session:
                await RunRepository(session).close(
                    run.id, outcome=run.outcome, error=run.error, summary=tally.summary(), now=now
                )
        except Exception as error:  # noqa: BLE001 -- the run is over; the next run marks it as died
            log.critical("run_not_noted", error=str(error)[:200])
