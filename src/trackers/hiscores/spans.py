"""Spans of time in requests: between two moments, a calendar period in a time zone, or a length such as 5d."""

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
    """A span from `start` (None: from the beginning) to `end`, both UTC."""

    start: datetime | None
    end: datetime


class AskedSpan(Struct, frozen=True, kw_only=True):
    """A span as it was entered."""

    start: str | None = None
    end: str | None = None
    period: str | None = None
    time_zone: str = "UTC"


def zone_of(name: str) -> ZoneInfo:
    """Return a zone of the IANA database. Raises ImpossibleSpan if it has no such zone."""
    try:
        return zone_named(name)
    except UnknownTimeZoneError as error:
        raise ImpossibleSpan(str(error)) from error


def span_of(asked: AskedSpan, *, now: datetime, usual: str = "7d") -> TimeSpan:
    """Return the requested span; `usual` is the period if the request has neither a start nor a period.

    `start` and `end` are moments with their UTC offset, or dates: a start begins at midnight in the zone, an end lasts
    until the midnight after it. `period` is day, week, month or year (the period that contains the end, from its first
    midnight in the zone), all, or a length such as 5d12h before the end. Raises ImpossibleSpan if a value has another
    form, or if the span ends before it begins.
    """
    zone = zone_of(asked.time_zone)
    until = now if asked.end is None else min(_moment(asked.end, zone, ends=True), now)
    if asked.start is not None:
        if asked.period is not None:
            raise ImpossibleSpan("Give either a start or a period, not both.")
        since = _moment(asked.start, zone, ends=False)
        if since >= until:
            raise ImpossibleSpan("The start must be in the past and before the end.")
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
            f"{period[:30]!r} is not a period; use day, week, month, year, all, or a length such as 7d or 5d12h."
        )
    return max(until - length, EARLIEST)


def _length(period: str) -> timedelta:
    match = ROLLING.fullmatch(period)
    if match is None:
        return timedelta(0)
    weeks, days, hours = (int(part or 0) for part in match.groups())
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
            if not MOMENT.match(entered):  # fromisoformat would take other forms of a date for its midnight
                raise ValueError(entered)  # noqa: TRY301 -- reported below, like errors of fromisoformat
            moment = datetime.fromisoformat(entered)
            moment = (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ImpossibleSpan(
            f"{entered[:40]!r} is not a valid date or time; use 2026-11-01 or 2026-11-01T12:00:00+01:00 "
            "(write + as %2B in a URL)."
        ) from error
    return max(moment, EARLIEST)


def _midnight(day: dt.date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, dt.time(), tzinfo=zone).astimezone(UTC)
