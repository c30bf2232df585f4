"""Admin commands on a source: pause and resume it, retry its dead targets, close the circuit breaker of its host."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database
from shared.errors import Unavailable
from shared.jobs import JobQueue
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.pacing import HostPacer, PacerUnreachableError
from shared.scraping.repository import ScrapingRepository, SourcePaused
from shared.scraping.targets import DISPATCH
from shared.web.identity import Identity

REDRIVEN_AT_ONCE: Final = 10_000


class PauseSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reason for a pause, shown with the source."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")] | None = None


class SourceResumed(Struct, frozen=True, kw_only=True):
    was_paused: bool


class TargetsRedriven(Struct, frozen=True, kw_only=True):
    """Number of dead targets (given up after repeated failures) that are due again."""

    redriven: int


class BreakerClosed(Struct, frozen=True, kw_only=True):
    was_open: bool


class SourceAdministration:
    """Changes one source at a time and records each change in the activity log. Each method raises UnknownSource."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        repository: ScrapingRepository,
        sources: SourceRegistry,
        pacer: HostPacer,
        jobs: JobQueue,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._session = session
        self._repository = repository
        self._sources = sources
        self._pacer = pacer
        self._jobs = jobs
        self._activity = activity
        self._clock = clock

    async def pause(self, name: str, *, reason: str | None, asker: Identity) -> SourcePaused:
        """Pause a source until it is resumed; requested runs wait.

        Workers notice within a second, cancel the runs under way and release their targets.
        """
        source = self._sources[name]
        paused = await self._repository.pause(source.name, reason=reason, now=self._clock.now())
        await self._note("source.paused", name, asker, {"reason": reason})
        return paused

    async def resume(self, name: str, *, asker: Identity) -> SourceResumed:
        """Resume a source; targets that became due meanwhile are due now."""
        source = self._sources[name]
        was_paused = await self._repository.resume(source.name)
        if was_paused:
            await self._note("source.resumed", name, asker)
            self._dispatch(name)
        return SourceResumed(was_paused=was_paused)

    async def redrive(self, name: str, *, asker: Identity) -> TargetsRedriven:
        """Give every dead target of a source a new run. Targets that guilds have switched off stay off."""
        source = self._sources[name]
        redriven = 0
        while count := await self._repository.redrive(source.name, now=self._clock.now(), limit=REDRIVEN_AT_ONCE):
            redriven += count
        if redriven:
            await self._note("source.redriven", name, asker, {"targets": redriven})
            self._dispatch(name)
        return TargetsRedriven(redriven=redriven)

    async def close_breaker(self, name: str, *, asker: Identity) -> BreakerClosed:
        """Close the breaker of a source's host at once, for all sources on that host.

        Raises Unavailable if Redis is unreachable.
        """
        host = self._sources[name].policy.host
        try:
            was_open = await self._pacer.close(host)
        except PacerUnreachableError as error:
            raise Unavailable(
                "The circuit breakers are kept in Redis, which is unreachable; try again.", retry_after=2
            ) from error
        if was_open:
            await self._note("source.breaker_closed", name, asker, {"host": host})
            self._dispatch(name)
        return BreakerClosed(was_open=was_open)

    async def _note(self, event: str, name: str, asker: Identity, details: dict[str, Any] | None = None) -> None:
        await self._activity.record(event, subject="source", subject_id=name, actor=asker, details=details)

    def _dispatch(self, name: str) -> None:
        """Dispatch right after the commit instead of at the next second."""
        Database.after_commit(self._session, lambda: self._jobs.enqueue(DISPATCH, name, job_id=f"{DISPATCH}:{name}"))
