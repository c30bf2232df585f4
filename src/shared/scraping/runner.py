"""Work of a job on one batch: fetch every target outside any transaction, then record the results in one.

A result is recorded only while its run still has the lease, so that a run that was considered lost, or ran twice,
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
"""Seconds after which finished results are recorded, although other targets of the batch are still being fetched."""
MARGIN: Final = 0.75
"""Share of the lease that fetches may use; the rest is for recording."""
RENEWED_AFTER: Final = 0.25
"""Share of the lease after which it is renewed for a fetch that may take longer; two more tries fit in."""
MAX_ANSWER_SHARE: Final = 0.6
"""Share of the lease that one response may take, whatever the policy allows.

Otherwise a host that hangs would only postpone its targets, and would never be noticed.
"""
DATABASE_AWAY: Final = 0.25
"""Seconds between attempts to record while the database is unreachable."""
DISK_FULL: Final = 60.0
"""Seconds until targets are fetched again if a full disk kept their results from being recorded."""
PACER_AWAY_S: Final = 2.0
"""Seconds until a target is fetched again if Redis was unreachable and the pace unknown."""
R = TypeVar("R")
ERROR_LENGTH: Final = 500


class Runner:
    """Fetches batches of claimed targets and records the results."""

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
        """Longest time of a job in seconds: the longest fetch of any source, and the time to record it."""
        fetches = [source.policy.max_fetch_seconds or 0.0 for source in self._sources.all()]
        return max(0.0, *fetches) + self._lease

    async def run(self, name: str, claims: Sequence[Lease], *, on_step: Callable[[str], None] | None = None) -> int:
        """Fetch the targets that still have these leases, and record the results; returns the number of finished runs.

        `on_step` is called with a line of text at every step.
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
        tasks = {
            asyncio.create_task(self._fetch(source, target, until=until, on_step=on_step)): target for target in targets
        }
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
            # Stopped, or no room to write: release the leases. Failed otherwise: let them expire, which counts as an
            # attempt, so that a target whose result cannot be recorded is not fetched again and again.
            stopped, full = isinstance(error, asyncio.CancelledError), full_storage(error) is not None
            back = leases.claims(targets) if stopped or full else None
            await asyncio.shield(self._abort(list(tasks), back, again_in=DISK_FULL if full else 0.0))
            raise
        if finished and source.policy.delay <= 0:
            with self._telemetry.tracing.apart():
                await self._jobs.enqueue(DISPATCH, name, job_id=f"{DISPATCH}:{name}")
        return finished

    async def _renew(self, under_way: Mapping[FetchTask, Target], leases: LeaseSet) -> list[FetchTask]:
        """Renew the leases of running fetches once a quarter of the lease is over; returns fetches that lost theirs."""
        started_at = asyncio.get_running_loop().time()
        if started_at < leases.until - self._lease * (MARGIN - RENEWED_AFTER):
            return []
        claims = leases.claims(list(under_way.values()))
        renewing = asyncio.create_task(self._patiently(lambda: self._renew_leases(claims), until=leases.until))
        try:
            renewed = await asyncio.shield(renewing)
        except asyncio.CancelledError:
            leases.renewed(await renewing)  # only the newest lease of a target can be released
            raise
        leases.until = started_at + self._lease * MARGIN
        leases.renewed(renewed)
        renewed_ids = {claim.target_id for claim in renewed}
        lost = [task for task, target in under_way.items() if target.id not in renewed_ids]
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
        """Fetch one target. Every error becomes an outcome; only cancellation is raised."""
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
        """Context to fetch something that nobody follows, without storing it."""
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
        """Record the outcomes of fetches and release the postponed targets; returns the number of finished runs."""
        fetched = [outcome for outcome in outcomes if isinstance(outcome, FetchOutcome)]
        postponed = [outcome for outcome in outcomes if isinstance(outcome, PostponedFetch)]
        if postponed:
            self._telemetry.deferred(source.name, len(postponed))
            seconds = max(outcome.seconds for outcome in postponed)
            claims = leases.claims([outcome.target for outcome in postponed])
            await self._patiently(lambda: self._release(claims, seconds), until=leases.until)
        if not fetched:
            return 0
        try:
            return await self._patiently(lambda: self._record(source, fetched, leases), until=leases.until)
        except Exception as error:
            if connection_was_lost(error):
                raise
            self._log().exception("batch_not_recorded", source=source.name, targets=len(fetched))
        return sum([await self._record_alone(source, outcome, leases) for outcome in fetched])

    async def _record_alone(self, source: Source[Any], outcome: FetchOutcome, leases: LeaseSet) -> int:
        """Record one target of a batch that failed as a whole, so that a bad result harms only itself."""
        try:
            return await self._patiently(lambda: self._record(source, [outcome], leases), until=leases.until)
        except Exception as error:
            if connection_was_lost(error):
                raise
            self._log().exception("result_not_recorded", source=source.name, target=outcome.target.key)
            bug = f"the result could not be stored: {type(error).__name__}: {error}"
        try:
            return await self._patiently(
                lambda: self._record(source, [replace(outcome, bug=bug)], leases), until=leases.until
            )
        except Exception as error:
            if connection_was_lost(error):
                raise
            self._log().exception("run_not_settled", source=source.name, target=outcome.target.key)
            return 0

    async def _record(self, source: Source[Any], fetched: Sequence[FetchOutcome], leases: LeaseSet) -> int:
        """Record outcomes in one unit of work: the source's writes, and the end of runs that still have their lease."""
        now = self._clock.now()
        async with self._database.unit_of_work() as session:
            repository = ScrapingRepository(session)
            leased = await repository.lock_leased(leases.claims([outcome.target for outcome in fetched]))
            mine = [outcome for outcome in fetched if outcome.target.id in leased]
            if not mine:
                return 0
            new = [outcome for outcome in mine if outcome.succeeded and not outcome.unchanged]
            changed = (
                await source.record(
                    [Observation(target=outcome.target, value=outcome.value, at=outcome.finished_at) for outcome in new]
                )
                if new
                else set()
            )
            failed = [
                FailedFetch(target=outcome.target, failure=outcome.failure, at=outcome.finished_at)
                for outcome in mine
                if outcome.failure is not None and outcome.bug is None
            ]
            if failed:
                await source.record_failures(failed)
            results = [self._result(source, outcome, changed, now) for outcome in mine]
            await repository.finish(results, now=now)
            await ActivityLog(activities=ActivityRepository(session), clock=self._clock).record_many(
                [
                    scrape_failed(
                        result.target_id,
                        source=source.name,
                        run_id=result.run_id,
                        reason=result.reason,
                        error=result.error,
                        http_status=result.http_status,
                    )
                    for result in results
                    if result.status is Status.FAILED
                ]
            )
        for outcome, result in zip(mine, results, strict=True):
            label = result.reason or ("changed" if result.changed else "unchanged")
            self._telemetry.scraped(source.name, label, (outcome.finished_at - outcome.started_at).total_seconds())
        self._log().info(
            "scraped",
            source=source.name,
            total=len(mine),
            succeeded=sum(outcome.succeeded for outcome in mine),
            changed=len(changed),
            unchanged=sum(outcome.unchanged for outcome in mine),
            failed=sum(not outcome.succeeded for outcome in mine),
        )
        return len(mine)

    def _result(self, source: Source[Any], outcome: FetchOutcome, changed: set[UUID], now: datetime) -> RunResult:
        reason: Reason | None = None
        failures = 0
        due_at: datetime | str = outcome.context.next_fetch_at or after_success(
            outcome.target, source.policy, changed=outcome.target.id in changed, now=now, rng=self._rng
        )
        if not outcome.succeeded:
            reason = outcome.failure.reason if outcome.failure and not outcome.bug else Reason.ERROR
            failures = failures_in_a_row(outcome.target, reason)
            due_at = after_failure(outcome.target, reason, source.policy, now=now, rng=self._rng, rest=outcome.rest)
        error = outcome.bug or (str(outcome.failure) if outcome.failure else None)
        return RunResult(
            target_id=outcome.target.id,
            run_id=outcome.target.run_id,
            status=Status.COMPLETED if outcome.succeeded else Status.FAILED,
            started_at=outcome.started_at,
            due_at=due_at,
            parser_version=source.parser_version,
            reason=reason,
            failures=failures,
            error=storable(redacted_text(error, ERROR_LENGTH)) if error else None,
            http_status=outcome.context.http_status,
            requests=outcome.context.requests,
            bytes=outcome.context.received,
            changed=outcome.target.id in changed,
            etag=outcome.context.etag,
            last_modified=outcome.context.last_modified,
            content_hash=outcome.context.content_hash.hex() if outcome.context.content_hash else None,
        )

    async def _leased(self, name: str, claims: Sequence[Lease]) -> list[Target]:
        """The targets that still have these leases; if the source was paused meanwhile, release all and return none."""
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
        """Cancel running fetches; with `claims`, release the targets still leased, due again in `again_in` seconds."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if claims is None:
            return
        try:
            await self._release(claims, again_in)
        except Exception as error:  # noqa: BLE001 -- the job ends anyway; the leases expire by themselves
            self._log().warning("not_given_back", targets=len(claims), error=str(error))

    async def _patiently(self, step: Callable[[], Awaitable[R]], *, until: float) -> R:
        """Repeat a step while the database is unreachable, as long as the lease allows, so that no result is lost."""
        while True:
            try:
                return await step()
            except Exception as error:
                if not connection_was_lost(error) or asyncio.get_running_loop().time() > until:
                    raise
                self._log().warning("database_away", error=str(error)[:200])
            await asyncio.sleep(DATABASE_AWAY)

    def _slot_of(self, source: Source[Any]) -> asyncio.Semaphore:
        """Limit of the fetches that this process may have under way at a source."""
        return self._slots.setdefault(source.name, asyncio.Semaphore(source.policy.concurrency))

    def _log(self) -> Any:
        return structlog.get_logger(__name__)


def storable(words: str) -> str:
    """Text that JSON and PostgreSQL accept, whatever a foreign error contains."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "")
