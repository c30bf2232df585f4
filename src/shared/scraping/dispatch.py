"""Who is looked at next: due targets are claimed per source, as many as its pace allows, and sent off in batches."""

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
"""Name of the job that visits one batch of targets."""


class UnknownSource(NotFound):
    code = "unknown_source"


class SourceRegistry:
    """Every source of the house, by name."""

    def __init__(self, sources: Iterable[Source[Any]]) -> None:
        self._sources: dict[str, Source[Any]] = {}
        for source in sources:
            if source.name in self._sources:
                raise ValueError(f"two sources are called {source.name!r}; rename or remove one of the packages")
            self._sources[source.name] = source

    def __getitem__(self, name: str) -> Source[Any]:
        """Raises UnknownSource, naming those that there are."""
        if name not in self._sources:
            raise UnknownSource(f"There is no source {name!r}. There are: {', '.join(sorted(self._sources))}.")
        return self._sources[name]

    def all(self) -> list[Source[Any]]:
        return sorted(self._sources.values(), key=lambda source: source.name)

    def enabled(self) -> list[Source[Any]]:
        return [source for source in self.all() if source.enabled]


class Dispatcher:
    """Claims and sends; takes back what lost workers held."""

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
        """Dispatch every source that is on; how many targets were sent off."""
        return sum([await self.dispatch(source.name) for source in self._sources.enabled()])

    async def dispatch(self, name: str) -> int:
        """Claim what is due of one source and send it off in batches; how many targets that were.

        Nothing is claimed while the host's breaker is open or Redis is away: what is due stays due. A target over
        which workers were lost travels alone.
        """
        source = self._sources[name]
        in_flight = await self._in_flight(source) if source.enabled else 0
        if not in_flight:
            return 0
        now = self._clock.now()
        async with self._database.transaction() as session:
            repository = ScrapingRepository(session)
            await repository.take_turn_to_claim(name)  # or two dispatchers would both find the same room
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
        """Take back what lost workers held; how many targets."""
        log = structlog.get_logger(__name__)
        found = 0
        for source in self._sources.all():
            async with self._database.transaction() as session:
                reclaimed = await ScrapingRepository(session).reclaim_expired(
                    source.name, now=self._clock.now(), dead_after=source.policy.dead_after
                )
                said = dead_letter_reason(source.policy.dead_after)
                await ActivityLog(activities=ActivityRepository(session), clock=self._clock).record_many(
                    [
                        scrape_failed(
                            one.target_id, source=source.name, run_id=one.run_id, reason=Reason.ERROR, error=said
                        )
                        for one in reclaimed
                        if one.dead
                    ]
                )
            if reclaimed:
                dead = sum(target.dead for target in reclaimed)
                log.warning("leases_ran_out", source=source.name, targets=len(reclaimed), dead=dead)
            found += len(reclaimed)
        return found

    async def _in_flight(self, source: Source[Any]) -> int:
        """How many targets workers may hold now: none while the host rests, one as its probe after that."""
        try:
            rest = await self._pacer.cooldown_of(source.policy.host)
        except PacerUnreachableError as error:
            structlog.get_logger(__name__).warning("pacing_unreachable", source=source.name, error=str(error))
            return 0
        if rest is None:
            return source.policy.in_flight
        return 0 if rest else 1

    async def _send(self, name: str, batches: list[list[Lease]]) -> None:
        """What cannot be sent is given back at once; were that to fail too, the leases run out."""
        try:
            await self._jobs.enqueue_many(SCRAPE, [(name, batch) for batch in batches])
        except Exception:
            claims = [claim for batch in batches for claim in batch]
            async with self._database.transaction() as session:
                await ScrapingRepository(session).release(claims, due_at=self._clock.now())
            raise
