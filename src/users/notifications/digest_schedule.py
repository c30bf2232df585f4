"""When a digest is due, by the clock on somebody's wall, and what its period is called. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.zones import kept_zone

DAYS_A_WEEK: Final = 7


class Period(StrEnum):
    """How often somebody gets a digest."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


class Plan(Struct, frozen=True, kw_only=True):
    """When somebody wants their digest."""

    period: Period
    hour: int
    """On their wall."""
    weekday: int
    """Of a weekly one, 1 for Monday (ISO 8601)."""
    time_zone: str


def next_due(plan: Plan, after: datetime) -> datetime:
    """The first time after a moment at which a digest is due (UTC)."""
    day = after.astimezone(kept_zone(plan.time_zone)).date() - timedelta(days=1)
    while True:
        if (at := _at(plan, day)) is not None and at > after:
            return at
        day += timedelta(days=1)


def last_due(plan: Plan, now: datetime) -> datetime:
    """The last time up to now at which a digest was due (UTC)."""
    day = now.astimezone(kept_zone(plan.time_zone)).date() + timedelta(days=1)
    while True:
        if (at := _at(plan, day)) is not None and at <= now:
            return at
        day -= timedelta(days=1)


def period_of(plan: Plan, due: datetime) -> str:
    """What the period of a due time is called: `daily:2026-11-22`, `weekly:2026-W47`; one digest is sent of each."""
    day = due.astimezone(kept_zone(plan.time_zone)).date()
    if plan.period is Period.WEEKLY:
        year, week, _ = day.isocalendar()
        return f"weekly:{year}-W{week:02}"
    return f"daily:{day.isoformat()}"


def length_of(period: Period) -> timedelta:
    """How much a period's first digest looks back."""
    return timedelta(days=DAYS_A_WEEK if period is Period.WEEKLY else 1)


def _at(plan: Plan, day: date) -> datetime | None:
    """When a digest is due on a day of the wall's calendar; None on other days.

    An hour that comes twice is the first one; one that is skipped moves by as much as the clock did.
    """
    if plan.period is Period.WEEKLY and day.isoweekday() != plan.weekday:
        return None
    return datetime.combine(day, time(plan.hour), kept_zone(plan.time_zone)).astimezone(UTC)
