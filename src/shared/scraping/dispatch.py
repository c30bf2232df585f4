"""Dispatch: claim the due targets of each source, as many as its pace allows, and enqueue them in batches."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import structlog

from shared.audit.activity import ActivityLog
from shared.audit.repository import ActivityRepository
from shared.clock import Clock
from shared.database import Database
from shared.errors import NotFound
from shared.jobs import JobQueue
from shared.scraping.failures import Reason, scrape_failed
from shared.scraping.pacing import HostPacer, PacerUnreachableError
from shared.scraping.repository import Lease, ScrapingRepository, dead_letter_reason
from shared.scraping.source import Source

SCRAPE: Final = "scraping.scrape"
"""Name of the job that fetches one batch of targets."""


class UnknownSource(NotFound):
    code = "unknown_source"


class SourceRegistry:
    """All sources of the app, by name."""

    def __init__(self, sources: Iterable[Source[Any]]) -> None:
        self._sources: dict[str, Source[Any]] = {}
        for source in sources:
            if source.name in self._sources:
                raise ValueError(f"two sources are called {source.name!r}; rename or remove one of the packages")
            self._sources[source.name] = source

    def __getitem__(self, name: str) -> Source[Any]:
        """Raises UnknownSource, which names the existing sources."""
        if name not in self._sources:
            raise UnknownSource(f"There is no source {name!r}. The sources are {', '.join(sorted(self._sources))}.")
        return self._sources[name]

    def all(self) -> list[Source[Any]]:
        return sorted(self._sources.values(), key=lambda source: source.name)

    def enabled(self) -> list[Source[Any]]:
        return [source for source in self.all() if source.enabled]


class Dispatcher:
    """Claims due targets, enqueues them, and reclaims the targets of lost workers."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobQueue,
        pacer: HostPacer,
        sources: SourceRegistry,
        clock: Clock,
        lease: float,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._pacer = pacer
        self._sources = sources
        self._clock = clock
        self.lease = timedelta(seconds=lease)

    async def dispatch_all(self) -> int:
        """Dispatch every enabled source; returns the number of enqueued targets."""
        return sum([await self.dispatch(source.name) for source in self._sources.enabled()])

    async def dispatch(self, name: str) -> int:
        """Claim the due targets of one source and enqueue them in batches; returns the number of targets.

        Nothing is claimed while the host's breaker is open or Redis is unreachable: due targets stay due. A target that
        lost workers before gets a batch of its own.
        """
        source = self._sources[name]
        in_flight = await self._in_flight(source) if source.enabled else 0
        if not in_flight:
            return 0
        now = self._clock.now()
        async with self._database.transaction() as session:
            repository = ScrapingRepository(session)
            await repository.take_turn_to_claim(name)  # else two dispatchers would use the same room
            room = in_flight - await repository.leased_count(name, limit=in_flight)
            if room <= 0:
                return 0
            lease_until = now + self.lease
            quarantined = await repository.claim_quarantined(name, now=now, lease_until=lease_until)
            room -= len(quarantined)
            claims = await repository.claim_due(name, now=now, lease_until=lease_until, limit=room) if room else []
        size = source.policy.batch_size
        batches = [claims[start : start + size] for start in range(0, len(claims), size)]
        if quarantined:
            batches.append(quarantined)
        if batches:
            await self._send(name, batches)
        return len(quarantined) + len(claims)

    async def reclaim_expired_leases(self) -> int:
        """Reclaim the targets of lost workers; returns the number of targets."""
        log = structlog.get_logger(__name__)
        total = 0
        for source in self._sources.all():
            async with self._database.transaction() as session:
                reclaimed = await ScrapingRepository(session).reclaim_expired(
                    source.name, now=self._clock.now(), dead_after=source.policy.dead_after
                )
                error = dead_letter_reason(source.policy.dead_after)
                await ActivityLog(activities=ActivityRepository(session), clock=self._clock).record_many(
                    [
                        scrape_failed(
                            target.target_id,
                            source=source.name,
                            run_id=target.run_id,
                            reason=Reason.ERROR,
                            error=error,
                        )
                        for target in reclaimed
                        if target.dead
                    ]
                )
            if reclaimed:
                dead = sum(target.dead for target in reclaimed)
                log.warning("leases_ran_out", source=source.name, targets=len(reclaimed), dead=dead)
            total += len(reclaimed)
        return total

    async def _in_flight(self, source: Source[Any]) -> int:
        """Number of targets that workers may lease now: 0 while the host cools down, 1 as the probe after that."""
        try:
            cooldown = await self._pacer.cooldown_of(source.policy.host)
        except PacerUnreachableError as error:
            structlog.get_logger(__name__).warning("pacing_unreachable", source=source.name, error=str(error))
            return 0
        if cooldown is None:
            return source.policy.in_flight
        return 0 if cooldown else 1

    async def _send(self, name: str, batches: list[list[Lease]]) -> None:
        """Enqueue the batches; on an error, release them at once. If that fails too, the leases expire."""
        try:
            await self._jobs.enqueue_many(SCRAPE, [(name, batch) for batch in batches])
        except Exception:
            claims = [claim for batch in batches for claim in batch]
            async with self._database.transaction() as session:
                await ScrapingRepository(session).release(claims, due_at=self._clock.now())
            raise
