"""Scheduled processing of a guild's trackers, once or repeatedly.

A schedule starts in one transaction, which locks it, requests its runs and stores them: it starts once with any number
of workers, and a killed worker leaves nothing behind. Its progress is the state of its runs, so any worker can end it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Queries
from shared.events import NewEvent
from shared.web.identity import Identity
from trackers.games.events import PROCESSING_FINISHED
from trackers.games.recurrence import NoRecurrenceError, next_occurrence
from trackers.games.schedule_errors import InvalidSchedule, ScheduleBegan, ScheduleNotFound, ScheduleOver
from trackers.games.schedule_queries import ScheduleQueries
from trackers.games.schedule_repository import ClaimedSchedule, Outcome, ScheduleRepository
from trackers.games.schedule_schemas import (
    ProcessingFinished,
    ProcessingReport,
    ScheduleReason,
    ScheduleStatus,
    ScheduleView,
)
from trackers.games.services.guild_processing import GuildProcessing
from users.access import AccessPolicy, GuildNotFound
from users.accounts.profiles import checked_time_zone

FARTHEST: Final = timedelta(days=366)
"""Maximum time ahead of a schedule."""
MAX_PROCESSING_TIME: Final = timedelta(days=1)
"""Maximum time of processing, for example while a source is off or a site is cooling down."""
NO_ZONE: Final = "UTC"


class Events(Protocol):
    """Publishes events in the open transaction."""

    async def publish(self, event: NewEvent) -> None: ...


class ScheduledTrackerProcessingService(ScheduleQueries):
    """Schedules, cancels, starts and ends the processing of guilds; inherits reads from ScheduleQueries."""

    def __init__(
        self,
        questions: Queries,
        *,
        schedules: ScheduleRepository,
        processing: GuildProcessing,
        access: AccessPolicy,
        activity: ActivityLog,
        events: Events,
        clock: Clock,
        grace: float,
    ) -> None:
        super().__init__(questions, access=access)
        self._schedules = schedules
        self._processing = processing
        self._activity = activity
        self._events = events
        self._clock = clock
        self._grace = timedelta(seconds=grace)

    # ---- for bots ----

    async def schedule_processing(
        self,
        guild_id: str,
        scheduled_at: datetime | None,
        metadata: Mapping[str, Any],
        *,
        cron: str | None = None,
        time_zone: str | None = None,
        asker: Identity,
    ) -> ScheduleView:
        """Schedule the processing of a guild at a time, or repeatedly by `cron` in a time zone.

        Raises GuildNotFound, InvalidSchedule, or Invalid for an unknown time zone.
        """
        await self._access.check_guild_write(asker, guild_id)
        now = self._clock.now()
        if (scheduled_at is None) == (cron is None):
            raise InvalidSchedule("Give either `scheduled_at` or `cron`.", field="scheduled_at")
        if scheduled_at is not None:
            _check_once(scheduled_at, time_zone, now=now)
        if cron is not None:
            time_zone = checked_time_zone(time_zone or NO_ZONE)
            try:
                scheduled_at = next_occurrence(cron, time_zone, after=now)
            except NoRecurrenceError as error:
                raise InvalidSchedule(f"`cron` is not valid: {error}.", field="cron") from error
        assert scheduled_at is not None  # noqa: S101 -- one of the two was given
        schedule = await self._schedules.add(
            guild_id, scheduled_at=scheduled_at, cron=cron, time_zone=time_zone, metadata=metadata, now=now
        )
        details = {"guild_id": guild_id, "scheduled_at": schedule.scheduled_at, "cron": cron}
        await self._note("schedule.created", schedule.id, details, asker)
        return schedule

    async def cancel_schedule(self, schedule_id: UUID, *, asker: Identity) -> ScheduleView:
        """Cancel a schedule. Processing of a recurring schedule that is in progress is completed.

        Raises ScheduleNotFound, ScheduleBegan, ScheduleOver.
        """
        guild_id = await self._schedules.guild_of(schedule_id)
        if guild_id is None:
            raise ScheduleNotFound(schedule_id)
        try:
            await self._access.check_guild_write(asker, guild_id)
        except GuildNotFound as error:
            raise ScheduleNotFound(schedule_id) from error
        cancelled = await self._schedules.cancel(schedule_id, now=self._clock.now())
        schedule = await self._schedules.schedule(schedule_id)
        if not cancelled and schedule.status is ScheduleStatus.PENDING:
            raise ScheduleBegan(schedule_id)
        if not cancelled:
            raise ScheduleOver(schedule_id, status=schedule.status)
        await self._note("schedule.cancelled", schedule_id, {"guild_id": guild_id}, asker)
        return schedule

    # ---- for workers ----

    async def claim_due(self, *, apart: Collection[UUID]) -> ClaimedSchedule | None:
        """Lock and return a due schedule until the transaction ends, except those in `apart`."""
        return await self._schedules.claim_due(now=self._clock.now(), apart=apart)

    async def begin(self, schedule: ClaimedSchedule) -> None:
        """Start a schedule: request runs of the guild's accounts, or mark the time as missed if it is too late.

        A recurring schedule continues with the first time after now: several missed times count as one.
        """
        now = self._clock.now()
        next_at = _after(schedule, now)
        if schedule.scheduled_at < now - self._grace:
            await self._end(schedule, [], status=ScheduleStatus.FAILED, reason=ScheduleReason.MISSED, next_at=next_at)
            return
        ahead = await self._processing.put_ahead(schedule.guild_id)
        await self._schedules.begin(schedule.id, ahead.runs, now=now, next_at=next_at)
        self._log().info("processing_began", schedule_id=str(schedule.id), accounts=len(ahead.runs))
        if not ahead.runs:
            reason = ScheduleReason.PROCESSING_OFF if ahead.skipped else None
            await self._end(schedule, [], status=ScheduleStatus.COMPLETED, reason=reason, skipped=ahead.skipped)

    async def claim_over(self, *, apart: Collection[UUID]) -> ClaimedSchedule | None:
        """Lock and return a schedule whose runs are finished or take too long, until the transaction ends."""
        return await self._schedules.claim_over(deadline=self._clock.now() - MAX_PROCESSING_TIME, apart=apart)

    async def finish(self, schedule: ClaimedSchedule) -> None:
        """Report the results of a schedule's runs; it is completed even if runs failed."""
        outcomes = await self._schedules.outcomes(schedule.id)
        late = any(outcome.status in {"pending", "in_progress"} for outcome in outcomes)
        reason = ScheduleReason.UNFINISHED if late else None
        await self._end(schedule, outcomes, status=ScheduleStatus.COMPLETED, reason=reason)

    async def _end(
        self,
        schedule: ClaimedSchedule,
        outcomes: Sequence[Outcome],
        *,
        status: ScheduleStatus,
        reason: ScheduleReason | None,
        skipped: int = 0,
        next_at: datetime | None = None,
    ) -> None:
        report = _report(outcomes, skipped=skipped)
        now = self._clock.now()
        await self._schedules.end(schedule, report, status=status, reason=reason, now=now, next_at=next_at)
        result = ProcessingFinished(
            schedule_id=schedule.id,
            guild_id=schedule.guild_id,
            planned_for=schedule.scheduled_at,
            status=status,
            reason=reason,
            report=report,
            metadata=schedule.metadata,
        )
        await self._events.publish(
            NewEvent(
                event=PROCESSING_FINISHED,
                aggregate=f"schedule:{schedule.id}",
                payload=result,
                key=f"{PROCESSING_FINISHED.name}:{schedule.id}:{schedule.scheduled_at.isoformat()}",
            )
        )
        await self._note(f"schedule.{reason or status.lower()}", schedule.id, {"guild_id": schedule.guild_id}, None)
        self._log().info("processing_finished", schedule_id=str(schedule.id), status=status, reason=reason)

    async def _note(self, event: str, schedule_id: UUID, details: Mapping[str, Any], asker: Identity | None) -> None:
        await self._activity.record(event, subject="schedule", subject_id=schedule_id, actor=asker, details=details)

    @staticmethod
    def _log() -> Any:
        return structlog.get_logger(__name__)


def _check_once(at: datetime, time_zone: str | None, *, now: datetime) -> None:
    if time_zone is not None:
        raise InvalidSchedule("`scheduled_at` has its own offset; omit `time_zone`.", field="time_zone")
    if not now < at < now + FARTHEST:
        raise InvalidSchedule(
            f"`scheduled_at` must lie in the future, at most {FARTHEST.days} days ahead.", field="scheduled_at"
        )


def _after(schedule: ClaimedSchedule, now: datetime) -> datetime | None:
    """Return the next time of a recurring schedule; None if the schedule does not recur."""
    if schedule.cron is None:
        return None
    return next_occurrence(schedule.cron, schedule.time_zone or NO_ZONE, after=now)


def _report(outcomes: Sequence[Outcome], *, skipped: int) -> ProcessingReport:
    failures: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.status != "completed":
            reason = outcome.reason if outcome.status == "failed" else ScheduleReason.UNFINISHED
            failures[reason or "error"] = failures.get(reason or "error", 0) + outcome.runs
    completed = [outcome for outcome in outcomes if outcome.status == "completed"]
    return ProcessingReport(
        total=sum(outcome.runs for outcome in outcomes),
        ok=sum(outcome.runs for outcome in completed if outcome.changed),
        unchanged=sum(outcome.runs for outcome in completed if not outcome.changed),
        failed=sum(failures.values()),
        skipped=skipped,
        failures=failures,
    )
