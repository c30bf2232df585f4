"""Spans of time as people ask for them: between two moments, a calendar day in their own zone, the last five days."""

import datetime as dt
import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.zones import UnknownTimeZoneError, zone_named
from trackers.hiscores.errors import ImpossibleSpan

ROLLING: Final = re.compile(r"(?=.)(?:([0-9]{1,3})w)?(?:([0-9]{1,4})d)?(?:([0-9]{1,4})h)?")
CALENDAR: Final = frozenset({"day", "week", "month", "year"})
ALL: Final = "all"
MAX_SPAN: Final = timedelta(days=366 * 20)
EARLIEST: Final = datetime(2013, 1, 1, tzinfo=UTC)
"""The game opened in February 2013."""
DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")


class TimeSpan(Struct, frozen=True, kw_only=True):
    """From `start` (None: from the beginning) to `end`, both UTC."""

    start: datetime | None
    end: datetime


class AskedSpan(Struct, frozen=True, kw_only=True):
    """A span as somebody typed it."""

    start: str | None = None
    end: str | None = None
    period: str | None = None
    time_zone: str = "UTC"


def zone_of(name: str) -> ZoneInfo:
    """Raises ImpossibleSpan for what is no zone of the IANA database."""
    try:
        return zone_named(name)
    except UnknownTimeZoneError as error:
        raise ImpossibleSpan(str(error)) from error


def span_of(asked: AskedSpan, *, now: datetime, usual: str = "7d") -> TimeSpan:
    """The span that is asked for; `usual`: the period where neither a start nor a period is.

    `start`, `end`: moments with their offset, or dates, which begin and end at midnight in the zone (an end is the end
    of its day). `period`: day, week, month, year (the one in which the end lies, from its first midnight in the zone),
    all, or a length such as 5d12h before the end. Raises ImpossibleSpan for what is neither, or ends before it begins.
    """
    zone = zone_of(asked.time_zone)
    until = now if asked.end is None else min(_moment(asked.end, zone, ends=True), now)
    if asked.start is not None:
        if asked.period is not None:
            raise ImpossibleSpan("Give either a start or a period, not both.")
        since = _moment(asked.start, zone, ends=False)
        if since >= until:
            raise ImpossibleSpan("The start must lie before the end, and in the past.")
        return TimeSpan(start=since, end=until)
    return TimeSpan(start=_start(asked.period or usual, until, zone), end=until)


def _start(period: str, until: datetime, zone: ZoneInfo) -> datetime | None:
    if period == ALL:
        return None
    if period in CALENDAR:
        return _midnight(_first_day(period, (until - timedelta(microseconds=1)).astimezone(zone).date()), zone)
    length = _length(period)
    if not timedelta(0) < length <= MAX_SPAN:
        raise ImpossibleSpan(
            f"{period[:30]!r} is no period; day, week, month, year, all, and lengths such as 7d or 5d12h are."
        )
    return max(until - length, EARLIEST)


def _length(period: str) -> timedelta:
    found = ROLLING.fullmatch(period)
    if found is None:
        return timedelta(0)
    weeks, days, hours = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours)


def _first_day(period: str, day: dt.date) -> dt.date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period == "year" else day


def _moment(entered: str, zone: ZoneInfo, *, ends: bool) -> datetime:
    try:
        if DATE.fullmatch(entered):
            day = dt.date.fromisoformat(entered)
            moment = _midnight(day + timedelta(days=1) if ends else day, zone)
        else:
            if not MOMENT.match(entered):  # else other forms of a date would be taken for its midnight
                raise ValueError(entered)  # noqa: TRY301 -- told below, as what Python finds wrong is
            moment = datetime.fromisoformat(entered)
            moment = (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ImpossibleSpan(
            f"{entered[:40]!r} is no moment; 2026-11-01 and 2026-11-01T12:00:00+01:00 are (a + is %2B in an address)."
        ) from error
    return max(moment, EARLIEST)


def _midnight(day: dt.date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, dt.time(), tzinfo=zone).astimezone(UTC)
