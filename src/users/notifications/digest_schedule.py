"""Due times of digests in a person's time zone, and the names of periods. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.zones import kept_zone

DAYS_A_WEEK: Final = 7


class Period(StrEnum):
    """Frequency of a person's digest."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


class Plan(Struct, frozen=True, kw_only=True):
    """Frequency and time of a person's digest."""

    period: Period
    hour: int
    """In the person's time zone."""
    weekday: int
    """Day of a weekly digest; 1 is Monday (ISO 8601)."""
    time_zone: str


def next_due(plan: Plan, after: datetime) -> datetime:
    """Return the first time after a moment at which a digest is due (UTC)."""
    day = after.astimezone(kept_zone(plan.time_zone)).date() - timedelta(days=1)
    while True:
        if (at := _at(plan, day)) is not None and at > after:
            return at
        day += timedelta(days=1)


def last_due(plan: Plan, now: datetime) -> datetime:
    """Return the last time up to now at which a digest was due (UTC)."""
    day = now.astimezone(kept_zone(plan.time_zone)).date() + timedelta(days=1)
    while True:
        if (at := _at(plan, day)) is not None and at <= now:
            return at
        day -= timedelta(days=1)


def period_of(plan: Plan, due: datetime) -> str:
    """Name the period of a due time: `daily:2026-11-22`, `weekly:2026-W47`; a person gets one digest per period."""
    day = due.astimezone(kept_zone(plan.time_zone)).date()
    if plan.period is Period.WEEKLY:
        year, week, _ = day.isocalendar()
        return f"weekly:{year}-W{week:02}"
    return f"daily:{day.isoformat()}"


def length_of(period: Period) -> timedelta:
    """Return the length of a period, which is also the time that the first digest covers."""
    return timedelta(days=DAYS_A_WEEK if period is Period.WEEKLY else 1)


def _at(plan: Plan, day: date) -> datetime | None:
    """Return the time (UTC) at which a digest is due on a local day; None if none is due on that day.

    When clocks change, an hour that occurs twice means the first one; a skipped hour moves by the length of the change.
    """
    if plan.period is Period.WEEKLY and day.isoweekday() != plan.weekday:
        return None
    return datetime.combine(day, time(plan.hour), kept_zone(plan.time_zone)).astimezone(UTC)
