"""What modules ask of the engine: follow this, look at it now, stop following; and how a task stands."""

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
"""Name of the job that claims due targets of one source and hands them to workers."""


FIRST_GUESS: Final = 2.0
"""Seconds that a look is thought to take, until a target has been looked at."""
MAX_COUNTED: Final = 10_000
"""Targets of a priority that are counted to tell how long somebody waits."""


class TaskNotFound(NotFound):
    code = "task_not_found"


class SubjectBlocked(Forbidden):
    """The same words whoever asks, and whatever the reason."""

    code = "blocked"
    title = "Blocked"

    def __init__(self) -> None:
        super().__init__("The operator of this installation does not let anybody follow this.")


class TaskState(Struct, frozen=True, kw_only=True):
    """How a run stands, whatever it looks at."""

    id: UUID
    status: Status
    requested_at: datetime
    reason: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    http_status: int | None = None
    changed: bool | None = None
    next_fetch_at: datetime | None = None
    """When the target is next looked at, once this run is over."""


class Task(TaskState, frozen=True, kw_only=True):
    """A run, and what it looks at."""

    source: str
    key: str
    error: str | None = None


class FetchStatus(Struct, frozen=True, kw_only=True):
    """How the fetching of a target stands; the columns are STATUS_COLUMNS."""

    status: str
    """pending, in_progress, completed or failed."""
    reason: str | None
    """With failed: not_found, private, blocked, throttled, unavailable, page_changed or error.

    With pending or completed: skipped, where nobody wants it looked at for now.
    """
    error: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_fetch_at: datetime | None


class RequestedRun(Struct, frozen=True, kw_only=True):
    """A look that was asked for: the task, and the claim on the target where it was free."""

    source: str
    target_id: UUID
    task_id: UUID
    claim: Lease | None


class InlineFetch(Protocol):
    """Looks at targets in this very process (see looks.py)."""

    async def ask(self, source: str, target_id: UUID) -> RequestedRun | None:
        """Ask for a look at a target and take it up, in the unit of work that is open; None: nobody follows it."""

    async def carry_out(self, asked: RequestedRun) -> Task:
        """Look, once the transaction that asked is in; how the task then stands."""


class Targets:
    """Targets as modules use them, inside their own unit of work."""

    def __init__(self, session: AsyncSession, *, repository: ScrapingRepository, jobs: JobQueue, clock: Clock) -> None:
        self._session = session
        self._repository = repository
        self._jobs = jobs
        self._clock = clock

    async def track(self, source: str, addresses: Mapping[str, str], *, interval: timedelta) -> dict[str, UUID]:
        """Follow targets of a source from now on; key -> target id. Known ones are shared, paused ones resume.

        `addresses`: key -> what to ask the site for. Raises SubjectBlocked; Unavailable while an admin blocks somebody,
        because what is held already may be what is being deleted.
        """
        blocks = BlockRepository(self._session)
        if not await blocks.try_to_share():
            raise Unavailable("Something is being removed for good just now; try again.", retry_after=1)
        if await blocks.among(source, addresses):
            raise SubjectBlocked
        return await self._repository.track(source, addresses, interval=interval, now=self._clock.now())

    async def request_run(
        self, source: str, targets: Sequence[UUID], *, trigger: Trigger = Trigger.REQUEST
    ) -> dict[UUID, UUID]:
        """Put targets ahead of the rest; target id -> task id. Asking twice while one waits gives the same task."""
        priority = Priority.NEW if trigger is Trigger.REGISTRATION else Priority.REQUESTED
        runs = await self._repository.ask_for_runs(targets, trigger=trigger, priority=priority, now=self._clock.now())
        Database.after_commit(
            self._session, lambda: self._jobs.enqueue(DISPATCH, source, job_id=f"{DISPATCH}:{source}")
        )
        return runs

    async def set_priority(self, priorities: Mapping[UUID, Priority]) -> None:
        """Have targets looked at in their turn among the ROUTINE or the BACKGROUND, or not at all while ON_REQUEST.

        One that is asked for by hand is looked at all the same, once; a ON_REQUEST one that is placed elsewhere and was
        due meanwhile is due now.
        """
        await self._repository.set_priority(priorities, now=self._clock.now())

    async def set_interval(self, target: UUID, *, interval: timedelta, steady: bool) -> None:
        """Have a target looked at every so often from now on.

        `steady`: however long nothing changed; else the more rarely the longer that is, where the source's policy
        says so.
        """
        await self._repository.set_interval(target, interval=interval, steady=steady, now=self._clock.now())

    async def estimate(self, source: str, target: UUID, *, policy: Policy, rest: float) -> timedelta | None:
        """How long it takes until a look at a target that was asked for is over: who is ahead, at the source's pace,
        after the rest (seconds) of its host. None while an operator has paused the source.
        """
        if await self._repository.is_paused(source):
            return None
        ahead = await self._repository.count_ahead(source, target, now=self._clock.now(), most=MAX_COUNTED)
        typical = await self._repository.typical_seconds(target)
        return timedelta(seconds=rest + ahead * policy.delay + (FIRST_GUESS if typical is None else typical))

    async def forget(self, targets: Sequence[UUID]) -> None:
        """Stop looking at targets that nobody follows any more; what is under way is dropped, history stays."""
        await self._repository.forget(targets, now=self._clock.now())

    async def lock(self, targets: Sequence[UUID]) -> None:
        """Keep others from following these targets until the transaction ends, so that it can be asked who does."""
        await self._repository.lock(targets)

    async def invalidate(self, targets: Sequence[UUID]) -> None:
        """What is stored of these was changed by other hands: the next look compares it, whatever the site says."""
        await self._repository.invalidate(targets)

    async def reset_failures(self, source: str, targets: Sequence[UUID]) -> dict[UUID, UUID]:
        """Count the failures of these anew, and look at them now; target id -> task id."""
        await self._repository.reset_failures(targets)
        return await self.request_run(source, targets)

    async def erase(self, targets: Sequence[UUID]) -> None:
        """Delete targets that tell of a person whose data must go, with the history of their runs."""
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
"""How a target stands, in the contract's words: from `scrape_targets t LEFT JOIN scrape_schedule s`.

A ON_REQUEST one (priority 5) is skipped: it stands as it stood, but has not failed.
"""
_AT_REST: Final = "s.lease_until IS NULL AND s.run_id IS NULL"
STATUS_IS: Final[Mapping[Status, str]] = {
    Status.IN_PROGRESS: "s.lease_until IS NOT NULL",
    Status.COMPLETED: f"t.last_status = 'completed' AND {_AT_REST}",
    Status.FAILED: f"t.last_status = 'failed' AND s.priority IS DISTINCT FROM 5 AND {_AT_REST}",
    Status.PENDING: "s.lease_until IS NULL AND (s.run_id IS NOT NULL OR t.last_status IS NULL"
    " OR s.priority = 5 AND t.last_status = 'failed')",
}
"""The same as conditions, which the planner can evaluate: of a CASE it believes that hardly any row is so."""

_TASK: Final = text("""
SELECT r.id, r.status, r.reason, r.error, r.requested_at, r.started_at, r.finished_at, r.http_status, r.changed,
       t.source, t.key, CASE WHEN s.due_at < 'infinity' THEN s.due_at END AS next_fetch_at
FROM scrape_runs r
JOIN scrape_targets t ON t.id = r.target_id
LEFT JOIN scrape_schedule s ON s.target_id = r.target_id
WHERE r.id = :id
""")


def counts(rows: Sequence[Mapping[str, Any]], column: str) -> tuple[dict[Status, int], dict[str, int]]:
    """How many stand in each status, all of them named, and for each reason there is one of."""
    by_status, by_reason = dict.fromkeys(Status, 0), dict[str, int]()
    for row in rows:
        by_status[Status(row["status"])] += row[column]
        if row["reason"]:
            by_reason[row["reason"]] = by_reason.get(row["reason"], 0) + row[column]
    return by_status, by_reason


class TaskQueries:
    """Where people look up what became of the task they were given."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def task(self, task_id: UUID) -> Task:
        """Raises TaskNotFound for an id that was never given out, or was removed by age."""
        row = await self._reader.row(_TASK, {"id": task_id})
        if row is None:
            raise TaskNotFound(f"There is no task {task_id}; finished tasks are kept for a while and then removed.")
        return Task(**{**row, "status": Status(row["status"])})

    async def state(self, task_id: UUID) -> TaskState:
        """How a task stands, without what it is about. Raises TaskNotFound."""
        task = await self.task(task_id)
        return TaskState(**{name: getattr(task, name) for name in TaskState.__struct_fields__})
