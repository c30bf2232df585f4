"""Interface of the engine for modules: follow targets, request runs, stop following, and read tasks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import Database, PooledQueries
from shared.errors import Forbidden, NotFound, Unavailable
from shared.jobs import JobQueue
from shared.scraping.block_repository import BlockRepository
from shared.scraping.policy import Policy
from shared.scraping.repository import Lease, ScrapingRepository
from shared.scraping.target import Priority, Status, Trigger

DISPATCH: Final = "scraping.dispatch"
"""Name of the job that claims the due targets of one source and enqueues them for workers."""
FIRST_GUESS: Final = 2.0
"""Estimated seconds of a run, until a target has finished one."""
MAX_COUNTED: Final = 10_000
"""Targets per priority that are counted to estimate a waiting time."""


class TaskNotFound(NotFound):
    code = "task_not_found"


class SubjectBlocked(Forbidden):
    """A key is blocked; the message is the same for everybody and for every reason."""

    code = "blocked"
    title = "Blocked"

    def __init__(self) -> None:
        super().__init__("Nobody can follow this: it is blocked on this installation.")


class TaskState(Struct, frozen=True, kw_only=True):
    """State of a run, without its target."""

    id: UUID
    status: Status
    requested_at: datetime
    reason: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    http_status: int | None = None
    changed: bool | None = None
    next_fetch_at: datetime | None = None
    """Next due time of the target after this run."""


class Task(TaskState, frozen=True, kw_only=True):
    """State of a run, with its target."""

    source: str
    key: str
    error: str | None = None


class FetchStatus(Struct, frozen=True, kw_only=True):
    """Status of the fetches of a target; the columns are STATUS_COLUMNS."""

    status: str
    """pending, in_progress, completed or failed."""
    reason: str | None
    """If failed: not_found, private, blocked, throttled, unavailable, page_changed, login_required or error.

    If pending or completed: skipped, while the target is fetched only on request.
    """
    error: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_fetch_at: datetime | None


class RequestedRun(Struct, frozen=True, kw_only=True):
    """A requested run: its task, and the lease on the target if it was free."""

    source: str
    target_id: UUID
    task_id: UUID
    claim: Lease | None


class InlineFetch(Protocol):
    """Fetches targets in the current process (see inline_fetch.py)."""

    async def ask(self, source: str, target_id: UUID) -> RequestedRun | None:
        """Request a run of a target and lease it, in the open unit of work; None if nobody follows the target."""

    async def carry_out(self, asked: RequestedRun) -> Task:
        """Fetch the target after the commit of the request; returns the task."""


class Targets:
    """Operations on targets for modules, inside their own unit of work."""

    def __init__(self, session: AsyncSession, *, repository: ScrapingRepository, jobs: JobQueue, clock: Clock) -> None:
        self._session = session
        self._repository = repository
        self._jobs = jobs
        self._clock = clock

    async def track(self, source: str, addresses: Mapping[str, str], *, interval: timedelta) -> dict[str, UUID]:
        """Follow targets of a source from now on; known targets are shared, and stopped ones resume.

        `addresses`: key -> text to ask the site for. Returns key -> target id. Raises SubjectBlocked, and Unavailable
        instead of waiting while an admin blocks somebody: this transaction may hold rows that are being deleted.
        """
        blocks = BlockRepository(self._session)
        if not await blocks.try_to_share():
            raise Unavailable("Data is being deleted permanently at the moment; try again.", retry_after=1)
        if await blocks.among(source, addresses):
            raise SubjectBlocked
        return await self._repository.track(source, addresses, interval=interval, now=self._clock.now())

    async def request_run(
        self, source: str, targets: Sequence[UUID], *, trigger: Trigger = Trigger.REQUEST
    ) -> dict[UUID, UUID]:
        """Move targets ahead of the rest; returns target id -> task id.

        A second request while one waits returns the same task.
        """
        priority = Priority.NEW if trigger is Trigger.REGISTRATION else Priority.REQUESTED
        runs = await self._repository.ask_for_runs(targets, trigger=trigger, priority=priority, now=self._clock.now())
        Database.after_commit(
            self._session, lambda: self._jobs.enqueue(DISPATCH, source, job_id=f"{DISPATCH}:{source}")
        )
        return runs

    async def set_priority(self, priorities: Mapping[UUID, Priority]) -> None:
        """Have targets fetched in turn as ROUTINE or BACKGROUND, or not at all as ON_REQUEST.

        A requested target is still fetched, once. An ON_REQUEST target that gets another priority and became due
        meanwhile is due now.
        """
        await self._repository.set_priority(priorities, now=self._clock.now())

    async def set_interval(self, target: UUID, *, interval: timedelta, steady: bool) -> None:
        """Set the interval of a target from now on.

        `steady`: keep it, however long nothing changes; otherwise it grows with the time since the last change, if the
        source's policy says so.
        """
        await self._repository.set_interval(target, interval=interval, steady=steady, now=self._clock.now())

    async def estimate(self, source: str, target: UUID, *, policy: Policy, rest: float) -> timedelta | None:
        """Time until a requested run of a target is over; None while an admin has paused the source.

        The sum of the cooldown of the host (`rest`, seconds), the wait for the targets ahead, and a typical run.
        """
        if await self._repository.is_paused(source):
            return None
        ahead = await self._repository.count_ahead(source, target, now=self._clock.now(), most=MAX_COUNTED)
        typical = await self._repository.typical_seconds(target)
        return timedelta(seconds=rest + ahead * policy.delay + (FIRST_GUESS if typical is None else typical))

    async def forget(self, targets: Sequence[UUID]) -> None:
        """Stop fetching targets that nobody follows any more; runs under way are dropped, the history stays."""
        await self._repository.forget(targets, now=self._clock.now())

    async def lock(self, targets: Sequence[UUID]) -> None:
        """Lock targets until the transaction ends; lock them before checking for followers, so that none can join."""
        await self._repository.lock(targets)

    async def invalidate(self, targets: Sequence[UUID]) -> None:
        """Have the next fetch compared with what is stored, whatever the site says, because the stored data changed."""
        await self._repository.invalidate(targets)

    async def reset_failures(self, source: str, targets: Sequence[UUID]) -> dict[UUID, UUID]:
        """Reset the failures of targets and request a run of each; returns target id -> task id."""
        await self._repository.reset_failures(targets)
        return await self.request_run(source, targets)

    async def erase(self, targets: Sequence[UUID]) -> None:
        """Delete targets about a person whose data must be deleted, with the history of their runs."""
        await self._repository.erase(targets)


STATUS_COLUMNS: Final = """
    CASE WHEN s.lease_until IS NOT NULL THEN 'in_progress'
         WHEN s.run_id IS NOT NULL OR t.last_status IS NULL THEN 'pending'
         WHEN s.priority = 5 AND t.last_status = 'failed' THEN 'pending'
         ELSE t.last_status END AS status,
    CASE WHEN s.lease_until IS NULL AND s.priority = 5 THEN 'skipped'
         WHEN s.lease_until IS NULL AND s.run_id IS NULL AND t.last_status = 'failed' THEN t.last_reason END AS reason,
    CASE WHEN s.lease_until IS NULL AND s.run_id IS NULL AND t.last_status = 'failed' AND s.priority IS DISTINCT FROM 5
         THEN t.last_error END AS error,
    t.last_attempt_at, t.last_success_at, t.last_changed_at,
    CASE WHEN s.due_at < 'infinity' AND s.priority <> 5 THEN s.due_at END AS next_fetch_at
"""
"""Status of a target as the API shows it, from `scrape_targets t LEFT JOIN scrape_schedule s`.

An ON_REQUEST target (priority 5) is skipped: it keeps its status, but never counts as failed.
"""
_IDLE: Final = "s.lease_until IS NULL AND s.run_id IS NULL"
STATUS_IS: Final[Mapping[Status, str]] = {
    Status.IN_PROGRESS: "s.lease_until IS NOT NULL",
    Status.COMPLETED: f"t.last_status = 'completed' AND {_IDLE}",
    Status.FAILED: f"t.last_status = 'failed' AND s.priority IS DISTINCT FROM 5 AND {_IDLE}",
    Status.PENDING: "s.lease_until IS NULL AND (s.run_id IS NOT NULL OR t.last_status IS NULL"
    " OR s.priority = 5 AND t.last_status = 'failed')",
}
"""The same as conditions: the planner can estimate these, but for a CASE it expects hardly any row to match."""

_TASK: Final = text("""
SELECT r.id, r.status, r.reason, r.error, r.requested_at, r.started_at, r.finished_at, r.http_status, r.changed,
       t.source, t.key, CASE WHEN s.due_at < 'infinity' THEN s.due_at END AS next_fetch_at
FROM scrape_runs r
JOIN scrape_targets t ON t.id = r.target_id
LEFT JOIN scrape_schedule s ON s.target_id = r.target_id
WHERE r.id = :id
""")


def counts(rows: Sequence[Mapping[str, Any]], column: str) -> tuple[dict[Status, int], dict[str, int]]:
    """Sums of a column: per status, including those without rows, and per reason that occurs."""
    by_status, by_reason = dict.fromkeys(Status, 0), dict[str, int]()
    for row in rows:
        by_status[Status(row["status"])] += row[column]
        if row["reason"]:
            by_reason[row["reason"]] = by_reason.get(row["reason"], 0) + row[column]
    return by_status, by_reason


class TaskQueries:
    """Reads tasks."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def task(self, task_id: UUID) -> Task:
        """A task by its id. Raises TaskNotFound if the id was never given out, or if the task was removed by age."""
        row = await self._reader.row(_TASK, {"id": task_id})
        if row is None:
            raise TaskNotFound(f"There is no task {task_id}; finished tasks are removed after a while.")
        return Task(**{**row, "status": Status(row["status"])})

    async def state(self, task_id: UUID) -> TaskState:
        """State of a task, without its target. Raises TaskNotFound."""
        task = await self.task(task_id)
        return TaskState(**{name: getattr(task, name) for name in TaskState.__struct_fields__})
