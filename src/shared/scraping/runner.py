"""The job's work on one batch: visit every target outside any transaction, then record what came in one.

A result is recorded only while its run still holds the target, so that a run that was taken for lost, or ran twice,
changes nothing.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog

from shared.audit.activity import ActivityLog
from shared.audit.repository import ActivityRepository
from shared.clock import Clock
from shared.database import Database, connection_was_lost
from shared.jobs import JobQueue
from shared.observability.telemetry import Telemetry
from shared.redaction import redacted_text
from shared.scraping.backoff import after_failure, after_success, failures_in_a_row
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.failures import Fault, Reason, ScrapeFailure, scrape_failed
from shared.scraping.fetch_context import Clients, FetchContext, Postponed, Robots, Unchanged
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.outcomes import FetchOutcome, FetchTask, LeaseSet, PostponedFetch
from shared.scraping.pacing import HostCoolingDownError, HostPacer, PacerUnreachableError
from shared.scraping.repository import Lease, RunResult, ScrapingRepository
from shared.scraping.source import Source
from shared.scraping.target import Status, Target
from shared.scraping.targets import DISPATCH
from shared.storage import full_storage

FLUSH: Final = 1.0
"""Seconds after which what has come in is recorded, though others of the batch are still out."""
MARGIN: Final = 0.75
"""Share of the lease that visits may use; the rest is for recording."""
RENEWED_AFTER: Final = 0.25
"""Share of the lease after which it is renewed under a visit that may take longer: two more tries fit in."""
MAX_ANSWER_SHARE: Final = 0.6
"""Share of the lease that one answer may take, whatever the policy allows: else a host that hangs would only ever
defer its targets, and never be seen to hang."""
DATABASE_AWAY: Final = 0.25
"""Seconds between attempts to record while the database is away."""
DISK_FULL: Final = 60.0
"""Seconds after which targets are fetched again that could not be recorded because a disk was full."""
PACER_AWAY_S: Final = 2.0
"""Seconds after which a target is looked at again when Redis could not be asked for the pace."""
R = TypeVar("R")
ERROR_LENGTH: Final = 500


class Runner:
    """Visits batches of claimed targets and settles them."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobQueue,
        pacer: HostPacer,
        robots: Robots,
        clients: Clients,
        sources: SourceRegistry,
        clock: Clock,
        rng: random.Random,
        telemetry: Telemetry,
        lease: float,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._pacer = pacer
        self._robots = robots
        self._clients = clients
        self._sources = sources
        self._clock = clock
        self._rng = rng
        self._telemetry = telemetry
        self._lease = lease
        for source in sources.all():
            telemetry.expect(source.name, [reason for reason in Reason if reason.fault is Fault.SOURCE])
        self._slots: dict[str, asyncio.Semaphore] = {}

    @property
    def longest_job(self) -> float:
        """Seconds that a job may take at most: the longest visit of any source, and what its recording may take."""
        fetches = [source.policy.max_fetch_seconds or 0.0 for source in self._sources.all()]
        return max(0.0, *fetches) + self._lease

    async def run(self, name: str, claims: Sequence[Lease], *, on_step: Callable[[str], None] | None = None) -> int:
        """Visit and settle what these claims still hold; how many targets were settled.

        `on_step`: who wants to hear of every step.
        """
        source = self._sources[name]
        now = asyncio.get_running_loop().time()
        leases = LeaseSet(until=now + self._lease * MARGIN)
        targets = await self._patiently(lambda: self._leased(name, claims), until=leases.until)
        leases.take(targets)
        if source.policy.interval is not None:
            interval = timedelta(seconds=source.policy.interval)
            targets = [replace(target, interval=interval) for target in targets]
        until = now + max(self._lease * MARGIN, source.policy.max_fetch_seconds or 0.0)
        tasks = {asyncio.create_task(self._fetch(source, one, until=until, on_step=on_step)): one for one in targets}
        waiting = set(tasks)
        finished = 0
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=min(FLUSH, self._lease / 8))
                finished += await self._record_results(source, [task.result() for task in done], leases)
                if not waiting:
                    break
                if await self._patiently(lambda: self._paused(name), until=leases.until):
                    await self._abort(list(tasks), leases.claims(targets))
                    return finished
                if source.policy.max_fetch_seconds is not None:
                    lost = await self._renew({task: tasks[task] for task in waiting}, leases)
                    await self._abort(lost, None)
                    waiting.difference_update(lost)
        except BaseException as error:
            # Stopped, or no room to write: what is held goes back. Failed: it is left to the sweep, which counts the
            # attempt, so that what cannot be recorded is not fetched again and again.
            stopped, full = isinstance(error, asyncio.CancelledError), full_storage(error) is not None
            back = leases.claims(targets) if stopped or full else None
            await asyncio.shield(self._abort(list(tasks), back, again_in=DISK_FULL if full else 0.0))
            raise
        if finished and source.policy.delay <= 0:
            with self._telemetry.tracing.apart():
                await self._jobs.enqueue(DISPATCH, name, job_id=f"{DISPATCH}:{name}")
        return finished

    async def _renew(self, under_way: Mapping[FetchTask, Target], leases: LeaseSet) -> list[FetchTask]:
        """Hold on to what is under way once a quarter of its lease is over; the visits of what others hold by now."""
        asked_at = asyncio.get_running_loop().time()
        if asked_at < leases.until - self._lease * (MARGIN - RENEWED_AFTER):
            return []
        claims = leases.claims(list(under_way.values()))
        renewing = asyncio.create_task(self._patiently(lambda: self._renew_leases(claims), until=leases.until))
        try:
            renewed = await asyncio.shield(renewing)
        except asyncio.CancelledError:
            leases.renewed(await renewing)  # what is held can be given back only by what it is held by
            raise
        leases.until = asked_at + self._lease * MARGIN
        leases.renewed(renewed)
        kept = {claim.target_id for claim in renewed}
        lost = [task for task, target in under_way.items() if target.id not in kept]
        if lost:
            self._log().warning("leases_lost", targets=[under_way[task].key for task in lost])
        return lost

    async def _renew_leases(self, claims: Sequence[Lease]) -> list[Lease]:
        now = self._clock.now()
        async with self._database.transaction() as session:
            return await ScrapingRepository(session).renew(
                claims, now=now, lease_until=now + timedelta(seconds=self._lease)
            )

    async def _fetch(
        self, source: Source[Any], target: Target, *, until: float, on_step: Callable[[str], None] | None
    ) -> FetchOutcome | PostponedFetch:
        """Visit one target; whatever happens is an outcome, nothing is raised but cancellation."""
        max_wait = max(0.0, until - asyncio.get_running_loop().time())
        context = self._context_to(source, target, max_wait=max_wait, on_step=on_step)
        with structlog.contextvars.bound_contextvars(run_id=str(target.run_id), source=source.name, target=target.key):
            try:
                async with asyncio.timeout_at(until), self._slot_of(source):
                    return await self._outcome(source, context)
            except HostCoolingDownError as error:
                return PostponedFetch(target=target, seconds=error.seconds)
            except PacerUnreachableError:
                return PostponedFetch(target=target, seconds=PACER_AWAY_S)
            except Postponed as error:
                self._log().info("not_now", why=str(error), seconds=round(error.seconds, 1))
                return PostponedFetch(target=target, seconds=error.seconds)
            except TimeoutError:
                return PostponedFetch(target=target, seconds=0.0)

    def context_of(
        self, source: Source[Any], *, key: str, address: str, on_step: Callable[[str], None] | None = None
    ) -> FetchContext:
        """A visit to something that nobody follows: to look, not to store."""
        nobody = UUID(int=0)
        target = Target(
            id=nobody,
            run_id=nobody,
            lease_until=self._clock.now(),
            key=key,
            address=address,
            interval=timedelta(0),
            failures=0,
            last_reason=None,
            attempts=0,
            etag=None,
            last_modified=None,
            content_hash=None,
            parser_version=0,
        )
        return self._context_to(source, target, max_wait=self._lease, on_step=on_step)

    def _context_to(
        self, source: Source[Any], target: Target, *, max_wait: float, on_step: Callable[[str], None] | None
    ) -> FetchContext:
        return FetchContext(
            target=target,
            policy=source.policy,
            parser_version=source.parser_version,
            client=self._clients.of(source.name, source.policy),
            pacer=self._pacer,
            robots=self._robots,
            clock=self._clock,
            max_wait=max_wait,
            longest_answer=self._lease * MAX_ANSWER_SHARE,
            on_step=on_step,
            exchange=partial(self._telemetry.upstream, source.name, source.policy.host),
        )

    async def _outcome(self, source: Source[Any], context: FetchContext) -> FetchOutcome:
        started_at = self._clock.now()
        value: Any = None
        unchanged, failure, bug, rest = False, None, None, None
        try:
            value = await source.collect(context.target, context)
            if context.on_step:
                context.on_step("parsed")
        except Unchanged:
            unchanged = True
        except ScrapeFailure as error:
            failure = error
            rest = await context.report(error)
            level = "error" if error.reason.fault is Fault.SOURCE else "warning"
            getattr(self._log(), level)("scrape_failed", reason=error.reason, error=str(error), host_rests=rest)
        except (HostCoolingDownError, PacerUnreachableError, Postponed):
            raise
        except Exception as error:  # noqa: BLE001 -- any bug of a source is an outcome of its target
            bug = f"{type(error).__name__}: {error}"
            self._log().exception("scrape_raised")
        if failure is None or failure.reason.fault is not Fault.HOST:
            await context.confirm()
        return FetchOutcome(
            target=context.target,
            context=context,
            started_at=started_at,
            finished_at=self._clock.now(),
            value=value,
            unchanged=unchanged,
            failure=failure,
            bug=bug,
            rest=rest,
        )

    async def _record_results(
        self, source: Source[Any], outcomes: Sequence[FetchOutcome | PostponedFetch], leases: LeaseSet
    ) -> int:
        """Record what was visited, give back what was not; how many targets were settled."""
        fetched = [outcome for outcome in outcomes if isinstance(outcome, FetchOutcome)]
        deferred = [outcome for outcome in outcomes if isinstance(outcome, PostponedFetch)]
        if deferred:
            self._telemetry.deferred(source.name, len(deferred))
            seconds = max(outcome.seconds for outcome in deferred)
            claims = leases.claims([outcome.target for outcome in deferred])
            await self._patiently(lambda: self._release(claims, seconds), until=leases.until)
        if not fetched:
            return 0
        try:
            return await self._patiently(lambda: self._record(source, fetched, leases), until=leases.until)
        except Exception as error:
            if connection_was_lost(error):
                raise
            self._log().exception("batch_not_recorded", source=source.name, targets=len(fetched))
        return sum([await self._record_alone(source, one, leases) for one in fetched])

    async def _record_alone(self, source: Source[Any], one: FetchOutcome, leases: LeaseSet) -> int:
        """Record one target of a batch that failed as a whole; a poisonous result harms only itself."""
        try:
            return await self._patiently(lambda: self._record(source, [one], leases), until=leases.until)
        except Exception as error:
            if connection_was_lost(error):
                raise
            self._log().exception("result_not_recorded", source=source.name, target=one.target.key)
            bug = f"the result could not be stored: {type(error).__name__}: {error}"
        try:
            return await self._patiently(
                lambda: self._record(source, [replace(one, bug=bug)], leases), until=leases.until
            )
        except Exception as error:
            if connection_was_lost(error):
                raise
            self._log().exception("run_not_settled", source=source.name, target=one.target.key)
            return 0

    async def _record(self, source: Source[Any], fetched: Sequence[FetchOutcome], leases: LeaseSet) -> int:
        """One unit of work: domain writes and settlements of what this run still holds."""
        now = self._clock.now()
        async with self._database.unit_of_work() as session:
            repository = ScrapingRepository(session)
            leased = await repository.lock_leased(leases.claims([one.target for one in fetched]))
            mine = [one for one in fetched if one.target.id in leased]
            if not mine:
                return 0
            new = [one for one in mine if one.succeeded and not one.unchanged]
            changed = (
                await source.record(
                    [Observation(target=one.target, value=one.value, at=one.finished_at) for one in new]
                )
                if new
                else set()
            )
            failed = [one for one in mine if one.failure is not None and one.bug is None]
            if failed:
                await source.record_failures(
                    [FailedFetch(target=o.target, failure=o.failure, at=o.finished_at) for o in failed if o.failure]
                )
            results = [self._result(source, one, changed, now) for one in mine]
            await repository.finish(results, now=now)
            await ActivityLog(activities=ActivityRepository(session), clock=self._clock).record_many(
                [
                    scrape_failed(
                        one.target_id,
                        source=source.name,
                        run_id=one.run_id,
                        reason=one.reason,
                        error=one.error,
                        http_status=one.http_status,
                    )
                    for one in results
                    if one.status is Status.FAILED
                ]
            )
        for one, result in zip(mine, results, strict=True):
            outcome = result.reason or ("changed" if result.changed else "unchanged")
            self._telemetry.scraped(source.name, outcome, (one.finished_at - one.started_at).total_seconds())
        self._log().info(
            "scraped",
            source=source.name,
            total=len(mine),
            succeeded=sum(one.succeeded for one in mine),
            changed=len(changed),
            unchanged=sum(one.unchanged for one in mine),
            failed=sum(not one.succeeded for one in mine),
        )
        return len(mine)

    def _result(self, source: Source[Any], one: FetchOutcome, changed: set[UUID], now: datetime) -> RunResult:
        reason: Reason | None = None
        failures = 0
        due_at: datetime | str = one.context.next_fetch_at or after_success(
            one.target, source.policy, changed=one.target.id in changed, now=now, rng=self._rng
        )
        if not one.succeeded:
            reason = one.failure.reason if one.failure and not one.bug else Reason.ERROR
            failures = failures_in_a_row(one.target, reason)
            due_at = after_failure(one.target, reason, source.policy, now=now, rng=self._rng, rest=one.rest)
        error = one.bug or (str(one.failure) if one.failure else None)
        return RunResult(
            target_id=one.target.id,
            run_id=one.target.run_id,
            status=Status.COMPLETED if one.succeeded else Status.FAILED,
            started_at=one.started_at,
            due_at=due_at,
            parser_version=source.parser_version,
            reason=reason,
            failures=failures,
            error=storable(redacted_text(error, ERROR_LENGTH)) if error else None,
            http_status=one.context.http_status,
            requests=one.context.requests,
            bytes=one.context.received,
            changed=one.target.id in changed,
            etag=one.context.etag,
            last_modified=one.context.last_modified,
            content_hash=one.context.content_hash.hex() if one.context.content_hash else None,
        )

    async def _leased(self, name: str, claims: Sequence[Lease]) -> list[Target]:
        """What these claims still hold; all of it goes back where the source was paused since it was claimed."""
        now = self._clock.now()
        async with self._database.transaction() as session:
            repository = ScrapingRepository(session)
            if await repository.is_paused(name):
                await repository.release(claims, due_at=now)
                return []
            return await repository.leased(claims, now=now)

    async def _paused(self, name: str) -> bool:
        async with self._database.transaction() as session:
            return await ScrapingRepository(session).is_paused(name)

    async def _release(self, claims: Sequence[Lease], seconds: float) -> None:
        due_at = self._clock.now() + timedelta(seconds=seconds)
        async with self._database.transaction() as session:
            await ScrapingRepository(session).release(claims, due_at=due_at)

    async def _abort(
        self, tasks: Sequence[FetchTask], claims: Sequence[Lease] | None, *, again_in: float = 0.0
    ) -> None:
        """End the visits under way; with `claims`, give back what of them still holds, due again in so many seconds."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if claims is None:
            return
        try:
            await self._release(claims, again_in)
        except Exception as error:  # noqa: BLE001 -- on the way out; the leases run out by themselves
            self._log().warning("not_given_back", targets=len(claims), error=str(error))

    async def _patiently(self, step: Callable[[], Awaitable[R]], *, until: float) -> R:
        """Repeat a step while the database is away, as long as the lease allows: what was fetched is kept."""
        while True:
            try:
                return await step()
            except Exception as error:
                if not connection_was_lost(error) or asyncio.get_running_loop().time() > until:
                    raise
                self._log().warning("database_away", error=str(error)[:200])
            await asyncio.sleep(DATABASE_AWAY)

    def _slot_of(self, source: Source[Any]) -> asyncio.Semaphore:
        """One of the requests that a process may have under way at a source."""
        return self._slots.setdefault(source.name, asyncio.Semaphore(source.policy.concurrency))

    def _log(self) -> Any:
        return structlog.get_logger(__name__)


def storable(words: str) -> str:
    """Text that JSON and PostgreSQL take, whatever a foreign error said."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "")
