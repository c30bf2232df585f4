"""Removal of old entries of the two logs."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.repository import ActivityRepository, AuditRepository
from shared.clock import Clock
from shared.database import Database
from shared.ids import first_id_of
from shared.jobs import Job
from shared.retention import Ageing, Retention

REMOVED_AT_ONCE: Final = 5_000


def log_retention(*, database: Database, clock: Clock, audit_keep_days: int, activity_keep_days: int) -> Retention:
    """Retention of the two logs. Entries are removed to the exact day, because they hold personal data."""

    def old_requests(session: AsyncSession, before: datetime, limit: int) -> Awaitable[int]:
        return AuditRepository(session).remove_old(boundary=first_id_of(before), limit=limit)

    def old_activity_events(session: AsyncSession, before: datetime, limit: int) -> Awaitable[int]:
        return ActivityRepository(session).remove_old(boundary=first_id_of(before), limit=limit)

    requests = Ageing(what="audit_log", keep_days=audit_keep_days, remove=old_requests, batch_size=REMOVED_AT_ONCE)
    activity_events = Ageing(
        what="activity_log", keep_days=activity_keep_days, remove=old_activity_events, batch_size=REMOVED_AT_ONCE
    )
    return Retention(database=database, clock=clock, kinds=[requests, activity_events])


def audit_jobs(retention: Retention) -> list[Job]:
    """The job that removes old entries every hour."""
    return [retention.job("audit.remove_old_entries", minutes={17}, second=40)]
